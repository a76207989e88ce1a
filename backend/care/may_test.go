package care

import "testing"

// Every role and every act, of a clinical topic and of an administrative one.
func TestMay(t *testing.T) {
	acts := []Act{ActOpen, ActAnswer, ActReopen, ActNote, ActOwn, ActFlag, ActReaders, ActReceive, ActPostpone, ActSee, ActFailed, ActVouch, ActDigest, ActHealth, ActEscalate}
	const ( // in the order of acts: y always, a administrative, - never
		member    = "yy-------yy----"
		clinician = "yyyyyyyy--y-y--"
		support   = "aayyyyyy--y-y--"
		admin     = "aayyyyyy--yyy--"
		agent     = "-----y-yy-yyyyy"
		nobody    = "---------------"
	)
	for role, row := range map[Role]string{RoleMember: member, RolePhysician: clinician, RolePA: clinician, RoleNurse: clinician, RoleSupport: support,
		RoleAdministrator: admin, RoleAgent: agent, "": nobody, "janitor": nobody} {
		for i, act := range acts {
			for topic, administrative := range map[Topic]bool{TopicAppointment: true, TopicOther: true, TopicRenewal: false, TopicCarePlan: false,
				TopicResult: false, TopicAdvice: false, "": false, "new": false} {
				want := row[i] == 'y' || row[i] == 'a' && administrative
				if got := role.May(act, topic); got != want {
					t.Errorf("%q may %s about %q: %v", role, act, topic, got)
				}
			}
			if got := role.MayEver(act); got != (row[i] != '-') {
				t.Errorf("%q may ever %s: %v", role, act, got)
			}
		}
		bounded := role == RoleSupport || role == RoleAdministrator
		if got := role.Bounded(TopicResult) != "" && role.Bounded("") != ""; got != bounded || role.Bounded(TopicAppointment) != "" {
			t.Errorf("%q is told %q", role, role.Bounded(TopicResult))
		}
	}
	if RoleNurse.May("dance", TopicOther) {
		t.Error("an act that is none")
	}
}
