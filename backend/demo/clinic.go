package demo

import "postern/backend/care"

// Passphrase opens every profile of the demo.
const Passphrase = "demo"

// The people of the demo clinic are invented; so is all that they write.
var (
	practice = care.Practice{
		Name: "Alder Creek Clinic (demo)", FrontDesk: "555-010-0100", NurseLine: "555-010-0140",
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
		{"naomi", care.Person{Name: "Naomi Park", Shown: "Naomi Park, PA-C", Short: "Naomi", Initials: "NP", Pronoun: "her", Role: care.RolePA}, []string{"lee", "haddad"}, "physician assistant"},
		{"rosa", care.Person{Name: "Rosa Delgado", Shown: "Rosa Delgado, RN", Short: "Rosa", Initials: "RD", Pronoun: "her", Role: care.RoleNurse}, []string{"lee", "haddad", "raman"}, "nurse"},
		{"sam", care.Person{Name: "Sam Ortiz", Shown: "Sam Ortiz", Short: "Sam", Initials: "SO", Pronoun: "their", Role: care.RoleSupport}, []string{"lee", "haddad", "raman"}, "support"},
		{"jordan", care.Person{Name: "Jordan Blake", Shown: "Jordan Blake", Short: "Jordan", Initials: "JB", Pronoun: "their", Role: care.RoleAdministrator}, []string{"lee", "haddad", "raman"}, "administrator"},
	}

	// Helena looks after Maximiliana, her mother, and writes for herself alone.
	members = []struct {
		key       string
		patient   care.Patient
		relations []relation
		visits    []visit
	}{
		{"marisol", care.Patient{Name: "Marisol Vega", Born: "1980-03-04", Sex: "F", Pronouns: "she/her", MRN: "4821 0739", Language: "es", Phone: "555-010-0177"},
			[]relation{{"lee", "primary", 0}, {"raman", "seen", 47}},
			[]visit{{16, "lee", "Office visit, Dr. Lee", "Hypertension"}, {47, "raman", "Cardiology, Dr. Raman", "New patient"}}},
		{"dmitri", care.Patient{Name: "Dmitri Volkov", Born: "1971-08-19", Sex: "M", Pronouns: "he/him", MRN: "3318 9046", Language: "en", Phone: "555-010-0162"},
			[]relation{{"haddad", "primary", 0}, {"lee", "seen", 61}, {"raman", "seen", 30}},
			[]visit{{24, "haddad", "Office visit, Dr. Haddad", "Annual check"}, {30, "raman", "Cardiology, Dr. Raman", "Palpitations"}, {61, "lee", "Office visit, Dr. Lee", "Cough, covering visit"}}},
		{"grace", care.Patient{Name: "Grace Oyelaran", Born: "1988-01-27", Sex: "F", Pronouns: "she/her", MRN: "7745 2031", Language: "en", Phone: "555-010-0198"},
			[]relation{{"lee", "primary", 0}},
			[]visit{{4, "lee", "Office visit, Dr. Haddad for Dr. Lee", "Low mood after birth"}, {90, "lee", "Office visit, Dr. Lee", "Iron deficiency"}}},
		{"maximiliana", care.Patient{Name: "Maximiliana Wojciechowska-Brandt", Born: "1943-05-17", Sex: "F", Pronouns: "she/her", MRN: "1094 5527", Language: "en", Phone: "555-010-0125"},
			[]relation{{"lee", "primary", 0}, {"raman", "seen", 33}},
			[]visit{{33, "raman", "Cardiology, Dr. Raman", "Atrial fibrillation, echo"}, {58, "lee", "Office visit, Dr. Lee", "Dizziness"}}},
		{"minh", care.Patient{Name: "Nguyễn Thị Minh Anh", Born: "1976-02-11", Sex: "F", Pronouns: "she/her", MRN: "8129 4405", Language: "vi", Phone: "555-010-0184"},
			[]relation{{"haddad", "primary", 0}},
			[]visit{{9, "haddad", "Office visit, Dr. Haddad", "Type 2 diabetes, thyroid nodule"}, {100, "haddad", "Office visit, Naomi Park, PA-C", "Type 2 diabetes"}}},
		{"helena", care.Patient{Name: "Helena Brandt", Born: "1968-10-02", Sex: "F", Pronouns: "she/her", MRN: "6630 1182", Language: "en", Phone: "555-010-0126"},
			[]relation{{"haddad", "primary", 0}, {"lee", "seen", 75}},
			[]visit{{40, "haddad", "Office visit, Dr. Haddad", "Low back pain"}, {75, "lee", "Office visit, Dr. Lee", "Sinusitis, covering visit"}}},
	}
)

// administrator is the profile that holds the administration of the practice.
const administrator = "jordan"

// dependent is a child without an account, for whom a member writes.
var dependent = care.Patient{Name: "Mateo Vega", Born: "2019-06-30", Sex: "M", Pronouns: "he/him", MRN: "5510 2846", Language: "en", Phone: "555-010-0177"}

type relation struct {
	office, why string
	daysAgo     int
}

type visit struct {
	daysAgo           int
	office, what, why string
}
