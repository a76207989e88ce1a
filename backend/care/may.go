package care

// Act is something that somebody does in a conversation, as far as it matters who may.
type Act string

// The acts.
const (
	ActOpen     Act = "open"     // begin a conversation
	ActAnswer   Act = "answer"   // write to the other side: a message, or the closing line of a completion
	ActReopen   Act = "reopen"   // give the member the reply button back
	ActNote     Act = "note"     // an internal note
	ActOwn      Act = "own"      // claim, assign, hand back
	ActFlag     Act = "flag"     // urgent or not
	ActReaders  Act = "readers"  // who on the member's side may read
	ActReceive  Act = "receive"  // confirm that the clinic has a message
	ActPostpone Act = "postpone" // another due time
	ActSee      Act = "see"      // say that the office's message was read
	ActFailed   Act = "failed"   // say that a letter did not reach its mailbox
	ActVouch    Act = "vouch"    // carry events again, or confirm those of a withdrawn key
	ActBridge   Act = "bridge"   // bring in what came by ordinary e-mail, and say that a notice went out by it
	ActAccept   Act = "accept"   // take what came by ordinary e-mail as the member's word, or not
	ActChoose   Act = "choose"   // whether to be told of news by ordinary e-mail
	ActDigest   Act = "digest"   // tell the practice of the audit record on one's own computer
	ActEscalate Act = "escalate" // say that a reply is overdue, and who was told
	ActHealth   Act = "health"   // tell the practice how its agent stands
)

// Administrative reports whether a question of this topic can be answered without clinical training. Of one without a topic
// nobody has said that it can.
func (t Topic) Administrative() bool { return t == TopicAppointment || t == TopicOther }

// leave is what a role may do: of every topic, of administrative ones alone, or never.
type leave int

const (
	never leave = iota
	administrative
	always
)

// may is the one table of who may do what in a conversation. What is not in it nobody may.
var may = map[Role]map[Act]leave{
	RoleMember:        {ActOpen: always, ActAnswer: always, ActSee: always, ActFailed: always, ActChoose: always},
	RolePhysician:     clinical,
	RolePA:            clinical,
	RoleNurse:         clinical,
	RoleSupport:       desk(nil),
	RoleAdministrator: desk(map[Act]leave{ActVouch: always}), // a registrar writes as one
	RoleAgent: {ActFlag: always, ActReceive: always, ActPostpone: always, ActFailed: always,
		ActVouch: always, ActBridge: always, ActChoose: always, ActEscalate: always, ActDigest: always, ActHealth: always},
}

var clinical = map[Act]leave{ActOpen: always, ActAnswer: always, ActReopen: always, ActNote: always, ActOwn: always,
	ActFlag: always, ActReaders: always, ActReceive: always, ActFailed: always, ActAccept: always, ActDigest: always}

// desk is what those of an office may do who are no clinicians: everything that clinicians may, but answer as they do.
func desk(more map[Act]leave) map[Act]leave {
	out := map[Act]leave{}
	for a, l := range clinical {
		out[a] = l
	}
	out[ActOpen], out[ActAnswer] = administrative, administrative
	for a, l := range more {
		out[a] = l
	}
	return out
}

// May reports whether somebody of this role may do that in a conversation about the topic.
func (r Role) May(a Act, t Topic) bool {
	switch may[r][a] {
	case always:
		return true
	case administrative:
		return t.Administrative()
	}
	return false
}

// MayEver reports whether somebody of this role may do that in some conversation.
func (r Role) MayEver(a Act) bool { return may[r][a] != never }

// Bounded is what a person is told who may not answer a question of this topic; "" where they may.
func (r Role) Bounded(t Topic) string {
	if !r.Staff() || r.May(ActAnswer, t) || !r.MayEver(ActAnswer) {
		return ""
	}
	if t == "" {
		return "This has no topic, so it may be a clinical question, which a clinician answers. Leave a note, or assign it to one."
	}
	return "This is a clinical question, which a clinician answers. Leave a note, or assign it to one."
}
