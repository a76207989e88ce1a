package event

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"postern/backend/care"
)

// maxWords is how many characters of a mail system's answer a delivery.failed carries.
const maxWords = 1000

// body is what every known kind's body can do.
type body interface {
	// check says what is wrong with a body in its event.
	check(e *Event) error
	// canonical gives a copy as the bytes will hold it: lists sorted, times in milliseconds.
	canonical() body
}

// sort is what the decoder knows of a kind: the type of its body and how to read one.
type sort struct {
	of   reflect.Type
	read func(raw []byte) (body, error)
}

func of[T body]() sort {
	return sort{of: reflect.TypeFor[T](), read: func(raw []byte) (body, error) {
		var b T
		err := json.Unmarshal(raw, &b)
		return b, err
	}}
}

// bodies holds the known kinds: a kind is known if it is here.
var bodies = map[Kind]sort{
	Opened:    of[OpenedBody](),
	Sent:      of[SentBody](),
	Received:  of[ReceivedBody](),
	DueChange: of[DueBody](),
	Seen:      of[SeenBody](),
	Owner:     of[OwnerBody](),
	Flag:      of[FlagBody](),
	Readers:   of[ReadersBody](),
	Note:      of[NoteBody](),
	Completed: of[CompletedBody](),
	Reopened:  of[ReopenedBody](),
	Failed:    of[FailedBody](),
	Vouch:     of[VouchBody](),
	Digest:    of[DigestBody](),
	Notice:    of[NoticeBody](),
	Bridged:   of[BridgedBody](),
	Accepted:  of[AcceptedBody](),
	Declined:  of[DeclinedBody](),
	Choice:    of[ChoiceBody](),
	Overdue:   of[OverdueBody](),
	Health:    of[HealthBody](),
}

// KindOf is the kind whose body this is; "" where it is none's.
func KindOf(b any) Kind {
	t := reflect.TypeOf(b)
	for kind, s := range bodies {
		if s.of == t {
			return kind
		}
	}
	return ""
}

// An opening goes to one office and to the readers that it names.
func (b OpenedBody) check(e *Event) error {
	if !care.ValidID("of", string(b.Office)) {
		return refuse("office is not an id")
	}
	if b.Subject == "" {
		return refuse("subject is missing")
	}
	if err := checkMailboxes("readers", b.Readers); err != nil {
		return err
	}
	for _, r := range b.Readers {
		if _, ok := slices.BinarySearch(e.To, r); !ok {
			return refuse("names a reader whom it does not go to")
		}
	}
	if len(e.To) != len(b.Readers)+1 {
		return refuse("does not go to exactly one mailbox beside its readers")
	}
	return nil
}

func (b OpenedBody) canonical() body {
	b.Readers = emptyNotNil(sortedMailboxes(b.Readers))
	return b
}

func (b SentBody) check(*Event) error {
	if b.Text == "" && len(b.Files) == 0 {
		return refuse("has neither text nor file")
	}
	if err := checkFiles(b.Files); err != nil {
		return err
	}
	return checkIDs("basis", b.Basis)
}

func (b SentBody) canonical() body {
	b.Basis = sortedIDs(b.Basis)
	if len(b.Files) == 0 {
		b.Files = nil
	}
	return b
}

func (b ReceivedBody) check(*Event) error {
	switch {
	case b.Message.IsZero():
		return refuse("message is missing")
	case b.Received.IsZero():
		return refuse("received is missing")
	}
	return checkPerson("cover", b.Cover)
}

func (b ReceivedBody) canonical() body {
	b.Received, b.Due = normalInstant(b.Received), normalInstant(b.Due)
	return b
}

// wireReceived is a ReceivedBody with times as the format spells them. Without a due time none can be named yet.
type wireReceived struct {
	Message  care.EventID  `json:"message"`
	Received instant       `json:"received"`
	Due      instant       `json:"due,omitzero"`
	Cover    care.PersonID `json:"cover,omitempty"`
}

// MarshalJSON spells the times in milliseconds, UTC.
func (b ReceivedBody) MarshalJSON() ([]byte, error) {
	return compact(wireReceived{b.Message, instant(b.Received), instant(b.Due), b.Cover})
}

// UnmarshalJSON takes times in that spelling only.
func (b *ReceivedBody) UnmarshalJSON(raw []byte) error {
	var w wireReceived
	if err := json.Unmarshal(raw, &w); err != nil {
		return err
	}
	*b = ReceivedBody{w.Message, time.Time(w.Received), time.Time(w.Due), w.Cover}
	return nil
}

func (b DueBody) check(*Event) error {
	switch {
	case b.Message.IsZero():
		return refuse("message is missing")
	case b.Over.IsZero():
		return refuse("over is missing")
	}
	return nil
}

func (b DueBody) canonical() body {
	b.Due = normalInstant(b.Due)
	return b
}

// wireDue is a DueBody with its time as the format spells it. Without a due time none can be named any more.
type wireDue struct {
	Message care.EventID `json:"message"`
	Due     instant      `json:"due,omitzero"`
	Reason  care.Text    `json:"reason"`
	Over    care.EventID `json:"over"`
}

// MarshalJSON spells the time in milliseconds, UTC.
func (b DueBody) MarshalJSON() ([]byte, error) {
	return compact(wireDue{b.Message, instant(b.Due), b.Reason, b.Over})
}

// UnmarshalJSON takes a time in that spelling only.
func (b *DueBody) UnmarshalJSON(raw []byte) error {
	var w wireDue
	if err := json.Unmarshal(raw, &w); err != nil {
		return err
	}
	*b = DueBody{w.Message, time.Time(w.Due), w.Reason, w.Over}
	return nil
}

func (b SeenBody) check(*Event) error {
	if b.Message.IsZero() {
		return refuse("message is missing")
	}
	return nil
}

func (b SeenBody) canonical() body { return b }

func (b OwnerBody) check(*Event) error { return checkPerson("who", b.Who) }

func (b OwnerBody) canonical() body { return b }

func (b FlagBody) check(*Event) error { return nil }

func (b FlagBody) canonical() body { return b }

func (b ReadersBody) check(*Event) error { return checkMailboxes("readers", b.Readers) }

func (b ReadersBody) canonical() body {
	b.Readers = emptyNotNil(sortedMailboxes(b.Readers))
	return b
}

// A note goes to one mailbox, so that a member's letter of it cannot be made.
func (b NoteBody) check(e *Event) error {
	switch {
	case b.Text == "":
		return refuse("text is missing")
	case len(e.To) != 1:
		return refuse("is a note to %d mailboxes", len(e.To))
	}
	return nil
}

func (b NoteBody) canonical() body { return b }

func (b CompletedBody) check(*Event) error {
	if b.Closing == "" {
		return refuse("closing is missing")
	}
	return checkIDs("covers", b.Covers)
}

func (b CompletedBody) canonical() body {
	b.Covers = emptyNotNil(sortedIDs(b.Covers))
	return b
}

func (b ReopenedBody) check(*Event) error {
	if len(b.Undoes) == 0 {
		return refuse("undoes nothing")
	}
	return checkIDs("undoes", b.Undoes)
}

func (b ReopenedBody) canonical() body {
	b.Undoes = sortedIDs(b.Undoes)
	return b
}

func (b FailedBody) check(*Event) error {
	switch {
	case b.Event.IsZero():
		return refuse("event is missing")
	case !care.ValidID("mb", string(b.Mailbox)):
		return refuse("mailbox is not an id")
	}
	return nil
}

// A mail system's words may be any bytes and any length: what cannot travel is put right, so that no failure goes unsaid.
func (b FailedBody) canonical() body {
	words := []rune(strings.ToValidUTF8(b.Reason, "?"))
	b.Reason = string(words[:min(len(words), maxWords)])
	return b
}

func (b VouchBody) check(e *Event) error {
	switch {
	case !b.Closed.IsZero() && (b.Key.IsZero() || len(b.IDs)+len(b.Events) > 0 || !e.Thread.IsZero()):
		return refuse("closes nothing, or something else beside")
	case b.Office != "" && (b.Closed.IsZero() || !care.ValidID("of", string(b.Office))):
		return refuse("office is not an id, or nothing is closed for it")
	case !b.Closed.IsZero():
		return nil
	case len(b.IDs)+len(b.Events) == 0:
		return refuse("vouches for nothing")
	case len(b.IDs) > 0 && b.Key.IsZero():
		return refuse("key is missing")
	}
	for _, s := range b.Events {
		if len(s.Event) == 0 || len(s.Signature) != 64 {
			return refuse("carries an event without bytes or signature")
		}
	}
	return checkIDs("ids", b.IDs)
}

func (b VouchBody) canonical() body {
	b.IDs, b.Closed = sortedIDs(b.IDs), normalInstant(b.Closed)
	if len(b.Events) == 0 {
		b.Events = nil
	}
	return b
}

// maxCounts bounds how many sorts of rows a digest counts: those of today, and of many Posterns to come.
const maxCounts = 64

// A digest goes to one mailbox, the practice's: which one that is, the directory says.
func (b DigestBody) check(e *Event) error {
	if _, err := time.Parse(time.DateOnly, b.Day); err != nil {
		return refuse("day is not spelt as 2006-01-02")
	}
	switch {
	case len(e.To) != 1:
		return refuse("is a digest to %d mailboxes", len(e.To))
	case b.First < 1 || b.Last < b.First-1:
		return refuse("tells of the rows %d to %d", b.First, b.Last)
	case b.Broken < 0:
		return refuse("broken is below zero")
	case len(b.Counts) > maxCounts:
		return refuse("counts %d sorts of rows", len(b.Counts))
	}
	for what, n := range b.Counts {
		if !validKind(Kind(what)) || n < 1 {
			return refuse("counts what is not a sort of row, or not at all")
		}
	}
	if err := checkHash("before", b.Before); err != nil {
		return err
	}
	return checkHash("head", b.Head)
}

func (b DigestBody) canonical() body {
	if b.Counts == nil {
		b.Counts = map[string]int{}
	}
	return b
}

type wireVouch struct {
	Key    care.KeyID     `json:"key,omitzero"`
	IDs    []care.EventID `json:"ids,omitempty"`
	Events []Signed       `json:"events,omitempty"`
	Closed instant        `json:"closed,omitzero"`
	Office care.OfficeID  `json:"office,omitempty"`
}

// MarshalJSON spells the time in milliseconds, UTC.
func (b VouchBody) MarshalJSON() ([]byte, error) {
	return compact(wireVouch{b.Key, b.IDs, b.Events, instant(b.Closed), b.Office})
}

// UnmarshalJSON takes a time in that spelling only.
func (b *VouchBody) UnmarshalJSON(raw []byte) error {
	var w wireVouch
	if err := json.Unmarshal(raw, &w); err != nil {
		return err
	}
	*b = VouchBody{w.Key, w.IDs, w.Events, time.Time(w.Closed), w.Office}
	return nil
}

func (b NoticeBody) check(*Event) error {
	switch {
	case b.Message.IsZero():
		return refuse("message is missing")
	case !care.ValidID("mb", string(b.Mailbox)):
		return refuse("mailbox is not an id")
	case (b.Reply == "") != b.Until.IsZero():
		return refuse("has a token without an end, or an end without a token")
	}
	return checkHash("reply", b.Reply)
}

func (b NoticeBody) canonical() body {
	b.Until = normalInstant(b.Until)
	return b
}

type wireNotice struct {
	Message care.EventID   `json:"message"`
	Mailbox care.MailboxID `json:"mailbox"`
	Reply   string         `json:"reply,omitempty"`
	Until   instant        `json:"until,omitzero"`
}

// MarshalJSON spells the time in milliseconds, UTC.
func (b NoticeBody) MarshalJSON() ([]byte, error) {
	return compact(wireNotice{b.Message, b.Mailbox, b.Reply, instant(b.Until)})
}

// UnmarshalJSON takes a time in that spelling only.
func (b *NoticeBody) UnmarshalJSON(raw []byte) error {
	var w wireNotice
	if err := json.Unmarshal(raw, &w); err != nil {
		return err
	}
	*b = NoticeBody{w.Message, w.Mailbox, w.Reply, time.Time(w.Until)}
	return nil
}

// What a bridged reply may hold, beside its text: it is made of what a stranger sent.
const (
	maxChecks  = 16
	maxName    = 255 // characters of a file's name, and of an address
	maxFinding = 64  // characters of a check
)

func (b BridgedBody) check(e *Event) error {
	switch {
	case b.Notice.IsZero():
		return refuse("notice is missing")
	case b.Received.IsZero():
		return refuse("received is missing")
	case b.Mail == "":
		return refuse("mail is missing")
	case b.Large < 0 || b.Large > 0 && (b.Text != "" || len(b.Files)+len(b.Left) > 0):
		return refuse("was too large to be read, and something of it was")
	case b.Text == "" && len(b.Files)+len(b.Left) == 0 && b.Large == 0:
		return refuse("has neither text nor file")
	case len(e.To) != 1:
		return refuse("is a bridged reply to %d mailboxes", len(e.To))
	case len(b.Checks) > maxChecks || len(b.Left) > MaxLeft:
		return refuse("has more checks or files than it may")
	case utf8.RuneCountInString(b.From) > maxName:
		return refuse("has an address that is too long")
	}
	for i, c := range b.Checks {
		if c == "" || len(c) > maxFinding || i > 0 && c <= b.Checks[i-1] {
			return refuse("checks are not sorted, or one is empty or too long")
		}
	}
	for _, l := range b.Left {
		if l.Name == "" || utf8.RuneCountInString(l.Name) > maxName || !validKind(Kind(l.Why)) {
			return refuse("left holds an empty or long name, or what is no word")
		}
	}
	if err := checkCame(b.Files); err != nil {
		return err
	}
	return checkHash("mail", b.Mail)
}

func (b BridgedBody) canonical() body {
	b.Received = normalInstant(b.Received)
	b.Checks = slices.Clone(b.Checks)
	slices.Sort(b.Checks)
	b.Checks = emptyNotNil(slices.Compact(b.Checks))
	if len(b.Left) == 0 {
		b.Left = nil
	}
	if len(b.Files) == 0 {
		b.Files = nil
	}
	return b
}

type wireBridged struct {
	Notice   care.EventID `json:"notice"`
	Mail     string       `json:"mail"`
	Received instant      `json:"received"`
	From     string       `json:"from"`
	Known    bool         `json:"known"`
	Checks   []string     `json:"checks"`
	Text     care.Text    `json:"text"`
	Cut      bool         `json:"cut,omitempty"`
	Files    []File       `json:"files,omitempty"`
	Left     []Left       `json:"left,omitempty"`
	Large    int64        `json:"large,omitempty"`
}

// MarshalJSON spells the time in milliseconds, UTC.
func (b BridgedBody) MarshalJSON() ([]byte, error) {
	return compact(wireBridged{b.Notice, b.Mail, instant(b.Received), b.From, b.Known, b.Checks, b.Text, b.Cut, b.Files, b.Left, b.Large})
}

// UnmarshalJSON takes a time in that spelling only.
func (b *BridgedBody) UnmarshalJSON(raw []byte) error {
	var w wireBridged
	if err := json.Unmarshal(raw, &w); err != nil {
		return err
	}
	*b = BridgedBody{w.Notice, w.Mail, time.Time(w.Received), w.From, w.Known, w.Checks, w.Text, w.Cut, w.Files, w.Left, w.Large}
	return nil
}

func (b AcceptedBody) check(*Event) error {
	switch {
	case b.Reply.IsZero():
		return refuse("reply is missing")
	case b.Wrote == "":
		return refuse("wrote is missing")
	case b.Text == "" && len(b.Files) == 0:
		return refuse("has neither text nor file")
	}
	if err := checkPerson("wrote", b.Wrote); err != nil {
		return err
	}
	if err := checkCame(b.Files); err != nil {
		return err
	}
	return checkIDs("basis", b.Basis)
}

func (b AcceptedBody) canonical() body {
	b.Basis = sortedIDs(b.Basis)
	if len(b.Files) == 0 {
		b.Files = nil
	}
	return b
}

func (b DeclinedBody) check(*Event) error {
	if b.Reply.IsZero() {
		return refuse("reply is missing")
	}
	return nil
}

func (b DeclinedBody) canonical() body { return b }

func (b ChoiceBody) check(*Event) error {
	if !care.ValidID("mb", string(b.Mailbox)) {
		return refuse("mailbox is not an id")
	}
	return nil
}

func (b ChoiceBody) canonical() body { return b }

func (b OverdueBody) check(*Event) error {
	if b.Message.IsZero() {
		return refuse("message is missing")
	}
	for i, who := range b.Told {
		if !care.ValidID("ps", string(who)) {
			return refuse("told names what is not an id")
		}
		if i > 0 && who <= b.Told[i-1] {
			return refuse("told is not sorted")
		}
	}
	return nil
}

func (b OverdueBody) canonical() body {
	b.Told = slices.Clone(b.Told)
	slices.Sort(b.Told)
	b.Told = emptyNotNil(slices.Compact(b.Told))
	return b
}

// maxWrong bounds how much may be wrong with an agent: what is known today, and what many Posterns to come may know.
const maxWrong = 32

// An agent's health goes to one mailbox, the practice's: which one that is, the directory says.
func (b HealthBody) check(e *Event) error {
	switch {
	case len(e.To) != 1:
		return refuse("is an agent's health to %d mailboxes", len(e.To))
	case b.Version == "" || utf8.RuneCountInString(b.Version) > maxFinding:
		return refuse("version is missing or too long")
	case b.Letters < 0 || b.Mails < 0 || b.Filled < 0 || b.Disk < 0:
		return refuse("counts below zero")
	case (b.Letters == 0) != b.Oldest.IsZero():
		return refuse("has letters without the date of the oldest, or that without letters")
	case !b.Reads && !b.Read.IsZero():
		return refuse("read a mailbox that it does not read")
	case len(b.Wrong) > maxWrong:
		return refuse("says more that is wrong than it may")
	}
	for i, w := range b.Wrong {
		if !validKind(Kind(w)) || i > 0 && w <= b.Wrong[i-1] {
			return refuse("wrong is not sorted, or holds what is no word")
		}
	}
	return nil
}

func (b HealthBody) canonical() body {
	b.Wrong = slices.Clone(b.Wrong)
	slices.Sort(b.Wrong)
	b.Wrong = emptyNotNil(slices.Compact(b.Wrong))
	for _, at := range []*time.Time{&b.Fetched, &b.Sent, &b.Oldest, &b.Read, &b.Mailed, &b.Ends} {
		*at = normalInstant(*at)
	}
	return b
}

// wireHealth is a HealthBody with times as the format spells them.
type wireHealth struct {
	Version string   `json:"version"`
	Named   bool     `json:"named"`
	Wrong   []string `json:"wrong"`
	Fetched instant  `json:"fetched,omitzero"`
	Sent    instant  `json:"sent,omitzero"`
	Letters int      `json:"letters,omitempty"`
	Oldest  instant  `json:"oldest,omitzero"`
	Mails   int      `json:"mails,omitempty"`
	Reads   bool     `json:"reads,omitempty"`
	Read    instant  `json:"read,omitzero"`
	Mailed  instant  `json:"mailed,omitzero"`
	Filled  int      `json:"filled,omitempty"`
	Ends    instant  `json:"ends,omitzero"`
	Disk    int64    `json:"disk"`
}

// MarshalJSON spells the times in milliseconds, UTC.
func (b HealthBody) MarshalJSON() ([]byte, error) {
	return compact(wireHealth{b.Version, b.Named, b.Wrong, instant(b.Fetched), instant(b.Sent), b.Letters, instant(b.Oldest), b.Mails, b.Reads,
		instant(b.Read), instant(b.Mailed), b.Filled, instant(b.Ends), b.Disk})
}

// UnmarshalJSON takes times in that spelling only.
func (b *HealthBody) UnmarshalJSON(raw []byte) error {
	var w wireHealth
	if err := json.Unmarshal(raw, &w); err != nil {
		return err
	}
	*b = HealthBody{w.Version, w.Named, w.Wrong, time.Time(w.Fetched), time.Time(w.Sent), w.Letters, time.Time(w.Oldest), w.Mails, w.Reads,
		time.Time(w.Read), time.Time(w.Mailed), w.Filled, time.Time(w.Ends), w.Disk}
	return nil
}

// checkHash takes a hash that is spelt as an id is, or none.
func checkHash(field, hash string) error {
	if _, err := care.ParseEventID(hash); hash != "" && err != nil {
		return refuse("%s is not 52 characters of base32", field)
	}
	return nil
}

func checkPerson(field string, id care.PersonID) error {
	if id != "" && !care.ValidID("ps", string(id)) {
		return refuse("%s is not an id", field)
	}
	return nil
}

// emptyNotNil keeps a list that is always written from becoming null.
func emptyNotNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
