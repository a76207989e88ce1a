package demo

import "postern/backend/care"

// haddadTalks are what is written to Dr. Haddad's office and answered there.
var haddadTalks = []talk{
	{"helena", "haddad", care.TopicAdvice, "Trouble sleeping", 130, []turn{
		{"", evening, "", 0},
		{"helena", write, "I lie awake from three until the alarm goes. I listen for my mother, even on the nights when my brother is with her. I have tried the tea. Is there something I can take that does not make me dull the next day?", 0},
		{"rosa", claim, "", 40},
		{"omar", note, "No sleeping tablets: she has to hear her mother at night. Sleep habits first, and ask about mood. She is on sertraline.", 120},
		{"rosa", reply, "Hi Helena,\n\nThat sounds exhausting. Dr. Haddad would rather not begin with a sleeping tablet, because you need to wake up for your mother. He suggests for the next two weeks:\n\n- Get up at the same time every day, also after a bad night.\n- No coffee after noon, and no screen in the last hour.\n- If you are awake for more than twenty minutes, get up, sit somewhere dim, and go back when you are sleepy.\n- Let your brother have his nights. Sleep at your own home on those.\n\nDo you take the sertraline in the morning or in the evening?", 30},
		{"helena", reply, "In the evening. I did not know that it matters.", 200},
		{"rosa", reply, "It can keep people awake. Take the next one tomorrow morning instead of tonight, and then every morning. How is your mood otherwise?", 60},
		{"helena", reply, "Tired but all right. I still sing in the choir.", 100},
		{"rosa", complete, "Keep the choir. If you sleep no better in two weeks, or if your mood drops, write to us and Dr. Haddad will see you.", 45},
		{"helena", read, "", 240},
	}},
	{"helena", "haddad", care.TopicRenewal, "Refill: sertraline", 110, []turn{
		{"helena", write, "I need a refill of sertraline at Alder Street Pharmacy. Twelve tablets left.", 0},
		{"naomi", claim, "", 75},
		{"naomi", complete, "Hello Helena,\n\nI sent it for three months, same dose. Please make an appointment within that time, we have not talked about it for a year. Do not stop it from one day to the next.", 20},
		{"helena", read, "", 130},
	}},
	{"minh", "haddad", care.TopicAppointment, "Interpreter for my visit", 100, []turn{
		{"minh", write, "For my visit with the doctor please an interpreter for Vietnamese. Last time was by telephone, hard to hear.", 0},
		{"sam", claim, "", 20},
		{"sam", complete, "Hello Ms. Minh Anh,\n\nAn interpreter for Vietnamese will be in the room with you. The visit is ten minutes longer, and it costs you nothing.", 80},
		{"minh", read, "", 260},
	}},
	{"dmitri", "haddad", care.TopicAdvice, "Knee after the rowing machine", 90, []turn{
		{"dmitri", write, "My right knee has been swollen since Sunday. I did an hour on the rowing machine after a month without. It hurts on the stairs going down. Can I keep training?", 0},
		{"rosa", claim, "", 50},
		{"rosa", reply, "Hello Mr. Volkov,\n\nBefore we answer: did the knee twist or give way? Is it hot or red, do you have a fever, and can you put your full weight on it? Is the calf swollen or painful?", 15},
		{"dmitri", reply, "No twist, not hot, no fever. I can stand on it and walk. Calf is normal.", 90},
		{"naomi", note, "Overuse, no red flags. Rest and ice. Acetaminophen rather than ibuprofen, his blood pressure is borderline. See him if not better in two weeks.", 60},
		{"rosa", reply, "Thank you. Naomi Park, our physician assistant, thinks that it was too much at once. She suggests:\n\n- No rowing and no squats for two weeks. Walking on the level is fine.\n- A cold pack for fifteen minutes, three times a day, with a cloth between.\n- If you need something for pain, acetaminophen 500 mg, one or two tablets at a time, six tablets a day at the most.\n\nCall us the same day if the knee becomes hot or red, if you have a fever, or if you cannot put weight on it.", 20},
		{"dmitri", reply, "Much better after five days of doing nothing. My wife says she told me so.", 2000},
		{"rosa", complete, "Good to hear. Begin again with ten minutes, and add five each week.", 70},
		{"dmitri", read, "", 20},
	}},
	{"minh", "haddad", care.TopicCarePlan, "Fasting before the blood test?", 70, []turn{
		{"minh", write, "Blood test tomorrow 8:30. Can I eat? And metformin?", 0},
		{"rosa", complete, "Hello Ms. Minh Anh,\n\nPlease eat nothing after midnight, water is fine. Bring your metformin with you and take it with breakfast after the test. If you feel shaky in the morning, drink some juice and tell us at the lab.", 25},
		{"minh", read, "", 15},
	}},
	{"minh", "haddad", care.TopicResult, "Sugar number 7.1", 48, []turn{
		{"minh", write, "The paper says A1c 7.1. Before it was 7.8. Is it good now?", 0},
		{"omar", complete, "Dear Ms. Minh Anh,\n\nYes, that is good. It is close to our goal of 7. Keep taking the metformin as you do, and keep up your walks. We test again in three months.", 330},
		{"minh", read, "", 200},
	}},
	{"dmitri", "haddad", care.TopicCarePlan, "Which blood pressure cuff?", 44, []turn{
		{"dmitri", write, "Dr. Haddad wants me to measure at home. There are forty different cuffs at the store. Which one?", 0},
		{"naomi", claim, "", 30},
		{"naomi", reply, "Hello Mr. Volkov,\n\nTake one for the upper arm, not for the wrist, that is listed at validatebp.org. Measure around the middle of your upper arm first: above 13 inches you need the large cuff.\n\nMeasure for one week, twice in the morning before your tablets and twice in the evening, sitting for five minutes before. Send us the numbers here.", 35},
	}},
	{"dmitri", "haddad", care.TopicAppointment, "Which day for the colonoscopy?", 34, []turn{
		{"dmitri", write, "The hospital offers two days for the colonoscopy, {+14} or {+19}. I would like to talk to Dr. Haddad before. Which one is better?", 0},
		{"sam", claim, "", 45},
		{"sam", reply, "Hello Mr. Volkov,\n\nPlease take the later one. Dr. Haddad can see you on {+15} at 2:00 pm, so you can talk about it first.", 20},
		{"dmitri", reply, "Both booked. Do I stop any tablets?", 180},
		{"rosa", reply, "Please do not stop anything yet. Dr. Haddad goes through your tablets with you at the visit, and the hospital sends you a sheet for the days before.", 120},
		{"dmitri", read, "", 90},
	}},
	{"helena", "haddad", care.TopicAdvice, "My back, since I lift my mother", 30, []turn{
		{"", evening, "", 0},
		{"helena", write, "I am sorry, this will be long. My mother lives on the third floor and cannot get out of the bath alone any more, so I go there before work and after it, and since last Tuesday my lower back is so stiff in the morning that I have to roll out of bed sideways. It is worse on the left and goes into the buttock, not further. I do take a bath myself in the evening, and then it is better for an hour. I cannot take time off. I also cannot leave her. Is there an exercise or do I have to live with it?", 0},
		{"rosa", claim, "", 25},
		{"rosa", note, "Called. No numbness, no weakness, bladder and bowels normal, no fever, no fall. Walks on toes and heels. Cries on the phone, says she is just tired.", 20},
		{"naomi", reply, "Hello Helena,\n\nYou do not have to live with it. From what you told Rosa this is a strained back, and most get better within a few weeks if you keep moving.\n\n- Walk for ten minutes, three times a day. Do not stay in bed.\n- Heat on the sore side for twenty minutes, as often as you like.\n- Acetaminophen 500 mg, one or two tablets up to three times a day. Not more than six tablets in a day.\n- Please do not lift your mother out of the bath for now. A bath bench lets her slide in and out, and a physical therapist can show you how to help her without lifting. I have put in the referral for you.\n\nGo to the emergency room if a leg becomes numb or weak, if you cannot hold or pass urine, or if you are numb between the legs.\n\nWould you like to talk with our social worker about help at home?", 70},
		{"helena", read, "", 200},
	}},
	{"dmitri", "haddad", care.TopicOther, "Form for the sports club", 20, []turn{
		{"dmitri", write, "The rowing club needs a form that says I may row. Can Dr. Haddad sign it? I can drop it at the front desk.", 0},
		{"sam", claim, "", 10},
		{"sam", reply, "Hello Mr. Volkov,\n\nYes. Please leave the form at the front desk with your name and date of birth on it. We call you when it is signed.", 20},
		{"dmitri", read, "", 180},
	}},
	{"helena", "haddad", care.TopicAppointment, "Something earlier than next month?", 20, []turn{
		{"helena", write, "My appointment is only on {+22}. Is there nothing earlier? I can come at any time on a Thursday, or during lunch.", 0},
	}},
	{"helena", "haddad", care.TopicOther, "FMLA form to look after my mother", 15, []turn{
		{"helena", write, "My employer has a form for family leave, which the doctor has to sign, pages 2 to 4. Is that Dr. Haddad, or my mother's doctor? They want it back within ten days.", 0},
		{"sam", claim, "", 30},
		{"sam", note, "The part about the illness is for Dr. Lee's office, with her mother's permission. I have asked Helena's employer for the fax number. Dr. Haddad, is there anything on your side, because of her back?", 15},
	}},
	{"dmitri", "haddad", care.TopicResult, "What does “non-fasting glucose 118” mean?", 12, []turn{
		{"dmitri", write, "I saw the result and wonder if I should repeat it before my visit. I had breakfast two hours before the test.", 0},
	}},
	{"minh", "haddad", care.TopicAdvice, "Rash after the antibiotic", 11, []turn{
		{"minh", write, "Since yesterday red spots on arms and stomach, very itchy. I take amoxicillin from the dentist, day 4. Should I stop?", 0},
		{"rosa", flag, "Rash on amoxicillin, day 4.", 6},
		{"rosa", note, "Called with the interpreter line. No swelling of face or tongue, breathing normal, no fever, no blisters, nothing in the mouth. Told her to take no more of it until she hears from us today.", 15},
		{"naomi", claim, "", 10},
		{"naomi", reply, "Hello Ms. Minh Anh,\n\nThank you for telling us so quickly. Please:\n\n- Stop the amoxicillin. Do not take it again.\n- For the itching, cetirizine 10 mg once a day, from the pharmacy without a prescription. It can make you sleepy.\n- Keep taking your metformin.\n\nI have called your dentist, who will tell you today whether you need another antibiotic.\n\nCall 911 if your lips, face or tongue swell or if you have trouble breathing. Call the nurse line at once, 555-010-0140, if you have a fever, blisters, or sores in your mouth.", 20},
		{"naomi", note, "Allergy list: amoxicillin, rash, not confirmed. Dentist informed.", 5},
		{"minh", reply, "The spots are less today, itching only at night. Dentist says the tooth is fine without. In the allergy list for always now?", 240},
	}},
	{"dmitri", "haddad", care.TopicRenewal, "Refill: tamsulosin 0.4 mg", 10, []turn{
		{"dmitri", write, "Tamsulosin, 90 days please, Mill Road Pharmacy. No changes, no side effects.", 0},
		{"naomi", claim, "", 95},
	}},
	{"minh", "haddad", care.TopicRenewal, "Refill: metformin ER 500 mg", 6, []turn{
		{"minh", write, "Please renew metformin ER 500 mg, two in the evening. Mill Road Pharmacy.", 0},
		{"naomi", claim, "", 30},
		{"naomi", reply, "Hello Ms. Minh Anh,\n\nI sent it for 90 days. Do you still have the stomach trouble that you had in the first weeks? If so, take both tablets with your evening meal, and write to me here.", 40},
	}},
	{"minh", "haddad", care.TopicResult, "Kết quả siêu âm tuyến giáp", 3, []turn{
		{"minh", write, "Chào bác sĩ Haddad,\n\nCô y tá nói kết quả siêu âm tuyến giáp sẽ có trong tuần này. Tôi có thể xem kết quả ở đâu? Tôi hơi lo. Cảm ơn bác sĩ.", 0},
		{"sam", note, "In Vietnamese. The interpreter line reads it as: where can she see the thyroid ultrasound, the nurse said this week, and she is a little worried.", 40},
	}},
	{"helena", "haddad", care.TopicOther, "A bath bench", 2, []turn{
		{"helena", drafts, "Naomi wrote that a bath bench would help. Does it need a prescription so that the insurance pays for it, and would that be", 0},
	}},
}
