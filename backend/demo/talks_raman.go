package demo

import "postern/backend/care"

// ramanTalks are what is written to Dr. Raman's office, cardiology, and answered there.
var ramanTalks = []talk{
	{"maximiliana", "raman", care.TopicResult, "Echo: what is a “mild leak”?", 150, []turn{
		{"maximiliana", write, "Dear Dr. Raman,\n\nYou told me about the heart picture, but I was so busy getting my stockings on again that I forgot half of it. There is a leak, you said. My late husband had a leak and he needed an operation. Do I need one? I am 83.", 0},
		{"rosa", claim, "", 60},
		{"priya", reply, "Dear Mrs. Wojciechowska-Brandt,\n\nNo, you do not need an operation. One of the valves closes not quite tightly, so a little blood runs back. That is what we call a mild leak. It is common, and by itself it does no harm. Your heart pumps with normal strength.\n\nWe make the picture again in two years.", 300},
		{"maximiliana", reply, "That is a relief. And may I carry the shopping? Helena does not let me.", 240},
		{"priya", reply, "You may carry the shopping, as much as you can carry without getting out of breath. Take the elevator with it.", 400},
		{"maximiliana", reply, "I shall show her this letter.", 60},
		{"rosa", complete, "Please do. If you become short of breath when you lie flat or on a few stairs, call us the same day.", 90},
		{"maximiliana", read, "", 200},
	}},
	{"marisol", "raman", care.TopicResult, "Cholesterol numbers", 115, []turn{
		{"marisol", write, "My LDL is 84 now, before the tablets it was 151. Can I go down with atorvastatin? I read that low is not good either.", 0},
		{"priya", complete, "Dear Ms. Vega,\n\nThat is a very good result. Please stay on 20 mg: it is low because of the tablet, and it would rise again without it. A number like yours does no harm. If you have muscle pain or dark urine, call us.", 420},
		{"marisol", read, "", 300},
	}},
	{"dmitri", "raman", care.TopicOther, "Where do I bring the monitor back?", 95, []turn{
		{"dmitri", write, "The 7 days with the heart monitor are over tonight. Where do I bring it?", 0},
		{"sam", complete, "Hello Mr. Volkov,\n\nTo the desk in cardiology on the second floor, any weekday from 9 to 6. Please bring the diary too.", 12},
		{"dmitri", read, "", 30},
	}},
	{"dmitri", "raman", care.TopicAdvice, "Coffee and the extra beats", 75, []turn{
		{"", evening, "", 0},
		{"dmitri", write, "Is coffee the reason for the extra beats? I drink five or six espressos, I admit it. I feel them most when I sit still in the evening.", 0},
		{"rosa", claim, "", 30},
		{"priya", note, "Moderate is fine for him. Not before bed. Ask about energy drinks and alcohol.", 180},
		{"rosa", reply, "Hello Mr. Volkov,\n\nDr. Raman says that coffee brings extra beats in some people and not in others. Try two cups a day for two weeks, none after noon, and write down whether it makes a difference. Do you take energy drinks, or alcohol in the evening?", 25},
		{"dmitri", reply, "No energy drinks. A glass of wine on Saturdays. I will try it, with regret.", 300},
		{"rosa", complete, "Thank you. Bring your notes to the visit. If your heart races for more than a few minutes, or if you faint or have chest pain, call 911.", 50},
		{"dmitri", read, "", 60},
	}},
	{"maximiliana", "raman", care.TopicAppointment, "Can Helena come in with me?", 58, []turn{
		{"maximiliana", write, "Can my daughter come into the room with me when I see Dr. Raman? She hears better than I do.", 0},
		{"sam", complete, "Hello Mrs. Wojciechowska-Brandt,\n\nOf course. You only tell Dr. Raman that you want her there.", 40},
		{"maximiliana", read, "", 100},
	}},
	{"dmitri", "raman", care.TopicResult, "Holter monitor result", 50, []turn{
		{"dmitri", write, "I returned the heart monitor last week. When will I know the result?", 0},
		{"rosa", note, "Report is in. Extra beats, a few short runs, nothing else. Waiting for Dr. Raman to sign it.", 45},
		{"priya", claim, "", 60},
		{"priya", reply, "Dear Mr. Volkov,\n\nYour monitor shows some extra heartbeats, which in your case are harmless. There is no sign of atrial fibrillation. Please keep taking your tablets as before. We will talk about it at your next visit.", 15},
		{"dmitri", read, "", 120},
	}},
	{"maximiliana", "raman", care.TopicAdvice, "Blood thinner before the dentist", 28, []turn{
		{"maximiliana", write, "The dentist wants to pull a tooth on {+8}, at the back on the left. Must I stop the apixaban before? The girl at the dentist's said a week, but I think she was guessing.", 0},
		{"rosa", claim, "", 20},
		{"priya", note, "One simple extraction: no need to stop. She had a TIA before the apixaban, so no week without it for anybody's convenience. Rosa, please call the dentist.", 150},
		{"priya", reply, "Dear Mrs. Wojciechowska-Brandt,\n\nPlease do not stop it, and certainly not for a week. For a single tooth most people can keep taking apixaban. Rosa has called your dentist, and they will plan it so. If they want you to leave out a dose after all, let them call us first, 555-010-0113.\n\nBite on the gauze for thirty minutes afterwards. If it still bleeds after that, call the dentist, or the nurse line at night. For heavy bleeding call 911.", 40},
		{"maximiliana", read, "", 300},
	}},
	{"dmitri", "raman", care.TopicOther, "Monitor report for my insurance", 13, []turn{
		{"dmitri", write, "My life insurance asks for the report of the heart monitor, and for the bill, which I never got. Can you send me both?", 0},
		{"sam", note, "Report is easy, he signs the release at the desk. The bill was sent to his old address. Jordan, is that yours?", 60},
		{"sam", assign, "jordan", 2},
	}},
	{"marisol", "raman", care.TopicCarePlan, "Question about the treadmill test on {+9}", 10, []turn{
		{"marisol", write, "Do I take my blood pressure tablet on the morning of the treadmill test? And may I have breakfast?", 0},
		{"rosa", claim, "", 15},
		{"rosa", note, "Dr. Raman holds the beta blocker only, and she takes lisinopril. Light breakfast, no coffee. Dr. Raman, is that right for her, after the low readings at Dr. Lee's?", 20},
	}},
	{"maximiliana", "raman", care.TopicCarePlan, "Swelling in both ankles again", 4, []turn{
		{"maximiliana", write, "Since Dr. Lee gave me the water tablet only every other day my shoes do not fit any more. Both feet. I sleep well, on one pillow. Helena says I should write to you, so I do.", 0},
		{"rosa", flag, "Ankles swollen, furosemide was cut down.", 10},
		{"rosa", note, "Called. 4 lb up in a week, both ankles, no pain in the calves. Not short of breath, lies flat, 128/70 and pulse 72 by her cuff. Knows to call 911 if she gets short of breath. Dr. Raman, today?", 20},
		{"rosa", assign, "priya", 2},
	}},
	{"marisol", "raman", care.TopicAppointment, "Moving my visit on {+12}", 3, []turn{
		{"marisol", write, "I am travelling that day. Can I come a week later, at the same time of day?", 0},
	}},
}
