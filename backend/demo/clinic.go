package demo

import "postern/backend/care"

// Passphrase opens every profile of the demo.
const Passphrase = "demo"

// The people of the demo clinic are invented; so is all that they write.
var (
	practice = care.Practice{
		Name: "Alder Creek Clinic", FrontDesk: "555-010-0100", NurseLine: "555-010-0140",
		Calendar: care.Calendar{
			Zone: "America/New_York", Preset: "us",
			Hours: map[string][]care.Span{
				"mon": day, "tue": day, "wed": day, "thu": day, "fri": day,
			},
		},
	}
	day = []care.Span{{From: "09:00", Until: "18:00"}}

	offices = []struct {
		key, provider, name, specialty, phone string
	}{
		{"lee", "ana", "Dr. Lee's office", "Internal Medicine", "555-010-0111"},
		{"haddad", "omar", "Dr. Haddad's office", "Internal Medicine", "555-010-0112"},
		{"raman", "priya", "Dr. Raman's office", "Cardiology", "555-010-0113"},
	}

	staff = []struct {
		key     string
		person  care.Person
		offices []string
		word    string // the role in the chooser's label
	}{
		{"ana", care.Person{Name: "Ana Lee", Shown: "Dr. Ana Lee", Short: "Dr. Lee", Initials: "AL", Pronoun: "her", Role: care.RolePhysician}, []string{"lee"}, "physician"},
		{"omar", care.Person{Name: "Omar Haddad", Shown: "Dr. Omar Haddad", Short: "Dr. Haddad", Initials: "OH", Pronoun: "his", Role: care.RolePhysician}, []string{"haddad", "lee"}, "physician"},
		{"priya", care.Person{Name: "Priya Raman", Shown: "Dr. Priya Raman", Short: "Dr. Raman", Initials: "PR", Pronoun: "her", Role: care.RolePhysician}, []string{"raman"}, "physician"},
		{"rosa", care.Person{Name: "Rosa Delgado", Shown: "Rosa Delgado, RN", Short: "Rosa", Initials: "RD", Pronoun: "her", Role: care.RoleNurse}, []string{"lee", "haddad", "raman"}, "nurse"},
		{"sam", care.Person{Name: "Sam Ortiz", Shown: "Sam Ortiz", Short: "Sam", Initials: "SO", Pronoun: "their", Role: care.RoleSupport}, []string{"lee", "haddad", "raman"}, "support"},
		{"jordan", care.Person{Name: "Jordan Blake", Shown: "Jordan Blake", Short: "Jordan", Initials: "JB", Pronoun: "their", Role: care.RoleAdministrator}, []string{"lee", "haddad", "raman"}, "administrator"},
	}

	members = []struct {
		key       string
		patient   care.Patient
		relations []relation
		visits    []visit
	}{
		{"marisol", care.Patient{Name: "Marisol Vega", Born: "1980-03-04", Sex: "F", Pronouns: "she/her", MRN: "4821 0739", Language: "es", Phone: "555-010-0177"},
			[]relation{{"lee", "primary", 0}, {"raman", "seen", 47}},
			[]visit{{11, "lee", "Office visit, Dr. Lee", "Hypertension"}, {47, "raman", "Cardiology, Dr. Raman", "New patient"}}},
		{"dmitri", care.Patient{Name: "Dmitri Volkov", Born: "1971-08-19", Sex: "M", Pronouns: "he/him", MRN: "3318 9046", Language: "en", Phone: "555-010-0162"},
			[]relation{{"haddad", "primary", 0}, {"lee", "seen", 61}, {"raman", "seen", 30}},
			[]visit{{30, "raman", "Cardiology, Dr. Raman", "Palpitations"}, {61, "lee", "Office visit, Dr. Lee", "Covering visit"}}},
		{"grace", care.Patient{Name: "Grace Oyelaran", Born: "1988-01-27", Sex: "F", Pronouns: "she/her", MRN: "7745 2031", Language: "en", Phone: "555-010-0198"},
			[]relation{{"lee", "primary", 0}},
			[]visit{{20, "lee", "Office visit, Dr. Lee", "Annual check"}}},
	}
)

type relation struct {
	office, why string
	daysAgo     int
}

type visit struct {
	daysAgo           int
	office, what, why string
}

// turn is one thing that somebody does in a conversation, so many business minutes after the one before.
type turn struct {
	who   string
	does  string // "write", "reply", "claim", "assign", "note", "flag", "read", "complete", "reopen"
	text  string
	after int
}

// talk is one conversation: it begins so many business hours before the demo is made.
type talk struct {
	member, office string
	topic          care.Topic
	subject        string
	hoursAgo       int
	turns          []turn
}

var talks = []talk{
	{"marisol", "lee", care.TopicRenewal, "Refill: atorvastatin 20 mg", 63, []turn{
		{"marisol", "write", "The pharmacy says I have no refills left on atorvastatin 20 mg. Could you renew it at the pharmacy on Alder Street?", 0},
		{"rosa", "claim", "", 20},
		{"rosa", "complete", "Hi Marisol,\n\nDr. Haddad, who is covering for Dr. Lee, renewed it for a year. Alder Street Pharmacy will have it tomorrow after 2 pm.", 65},
		{"marisol", "read", "", 90},
	}},
	{"grace", "lee", care.TopicAdvice, "Flu shot while breastfeeding?", 55, []turn{
		{"grace", "write", "Is it safe to get the flu shot while I am still breastfeeding? The school offers it next week.", 0},
		{"rosa", "claim", "", 30},
		{"rosa", "reply", "Hi Grace,\n\nYes, the flu shot is safe while you are breastfeeding, and it passes some protection on to your baby.\n\n- Ask for the injection, not the nasal spray.\n- A sore arm for a day or two is normal.", 25},
		{"grace", "read", "", 60},
		{"grace", "reply", "Thank you, that is good to know.", 5},
		{"rosa", "complete", "You are welcome, Grace. Call the nurse line if you have a fever after the shot.", 40},
	}},
	{"dmitri", "raman", care.TopicResult, "Holter monitor result", 50, []turn{
		{"dmitri", "write", "I returned the heart monitor last Thursday. When will I know the result?", 0},
		{"rosa", "note", "Report is in. Short runs of extra beats, nothing else. Waiting for Dr. Raman to sign it.", 45},
		{"priya", "claim", "", 60},
		{"priya", "reply", "Dear Mr. Volkov,\n\nYour monitor shows some extra heartbeats, which are harmless. There is no sign of atrial fibrillation. Please keep taking your tablets as before. We will talk about it at your visit in January.", 15},
		{"dmitri", "read", "", 120},
	}},
	{"marisol", "raman", care.TopicCarePlan, "Question about the treadmill test on December 8", 33, []turn{
		{"marisol", "write", "Do I take my blood pressure tablet on the morning of the treadmill test? And may I have breakfast?", 0},
		{"rosa", "claim", "", 15},
		{"rosa", "note", "Dr. Raman prefers that they hold the beta blocker only. She takes lisinopril, so she can take it.", 20},
	}},
	{"dmitri", "haddad", care.TopicResult, "What does “non-fasting glucose 118” mean?", 12, []turn{
		{"dmitri", "write", "I saw the result and wonder if I should repeat it before my visit. I had breakfast two hours before the test.", 0},
	}},
	{"grace", "lee", care.TopicAppointment, "Can my follow-up be by phone?", 7, []turn{
		{"grace", "write", "I start a new job on Monday and cannot come before 5 pm. Could the follow-up be a phone call?", 0},
	}},
	{"marisol", "lee", care.TopicCarePlan, "Blood pressure readings after the new dose", 26, []turn{
		{"marisol", "write", "Hello Dr. Lee, since we went up to 20 mg of lisinopril last week I feel dizzy when I stand up. My readings at home were 104/62, 101/60 and 106/64.", 0},
		{"rosa", "claim", "", 25},
		{"omar", "note", "Low for her. Go back to 10 mg, readings again in a week. I will call her if it drops further.", 70},
		{"rosa", "reply", "Hi Marisol,\n\nThank you for writing down your readings. That helps a lot. Dr. Haddad, who is covering for Dr. Lee, looked at them today. He would like you to:\n\n- Go back to 10 mg of lisinopril once a day, starting tomorrow morning.\n- Take your blood pressure each morning, before the tablet.\n- Send us the readings in a week.\n\nStand up slowly for the next few days. If you faint, or have chest pain or trouble breathing, call 911.", 35},
	}},
	{"dmitri", "lee", care.TopicRenewal, "Inhaler from the visit in September", 24, []turn{
		{"dmitri", "write", "Dr. Lee gave me a blue inhaler when Dr. Haddad was away. It is nearly empty. Can I get another one from you, or should I ask Dr. Haddad?", 0},
	}},
	{"dmitri", "haddad", care.TopicOther, "Form for the sports club", 20, []turn{
		{"dmitri", "write", "The rowing club needs a form that says I may row. Can Dr. Haddad sign it? I can drop it at the front desk.", 0},
		{"sam", "claim", "", 10},
		{"sam", "reply", "Hello Mr. Volkov,\n\nYes. Please leave the form at the front desk with your name and date of birth on it. Dr. Haddad signs forms on Thursdays, and we will call you when it is ready.", 20},
	}},
	{"grace", "lee", care.TopicResult, "Iron level after the tablets", 16, []turn{
		{"grace", "write", "I have taken the iron tablets for three months now. Should I have my blood checked again?", 0},
		{"rosa", "assign", "omar", 30},
		{"rosa", "note", "Ferritin was 9 in August. Fine to order a repeat?", 5},
	}},
	{"marisol", "lee", care.TopicAdvice, "Cough for two weeks", 5, []turn{
		{"marisol", "write", "I have had a dry cough for two weeks, mostly at night. No fever. Could it be from the blood pressure tablets?", 0},
		{"rosa", "flag", "New cough on an ACE inhibitor. Ask about swelling of the lips or tongue.", 15},
	}},
	{"grace", "lee", care.TopicRenewal, "Refill: levothyroxine 88 mcg", 70, []turn{
		{"grace", "write", "Same pharmacy as always, please. I have tablets for ten days.", 0},
		{"sam", "claim", "", 40},
		{"sam", "complete", "Hello Grace,\n\nDr. Haddad renewed it for six months. It is ready at Mill Road Pharmacy.", 120},
	}},
	{"marisol", "raman", care.TopicAppointment, "Moving the visit in January", 3, []turn{
		{"marisol", "write", "I am travelling on January 12. Can I come a week later, at the same time of day?", 0},
	}},
}
