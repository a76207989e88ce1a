// Package link makes the addresses of the screens and the ids of their elements. No other place spells one out.
package link

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"postern/backend/care"
)

// Addresses without a part of their own.
const (
	Home     = "/"
	Open     = "/open"
	SignIn   = "/session"
	Lock     = "/session/lock"
	Others   = "/session/others"   // the people of this computer, in place of a lock screen
	Active   = "/session/active"   // the person does something
	Opening  = "/session/keychain" // in, by the computer's keychain
	Look     = "/look"
	Events   = "/events"
	Window   = "/window"
	Sync     = "/sync"
	Offline  = "/sync/offline"
	Messages = "/messages"
	For      = "/messages/for" // whose record is read and written from here on
	Compose  = "/messages/new"
	Notices  = "/notices" // by ordinary e-mail
	Inbox    = "/inbox"
)

// Addresses of what opens a profile. A passphrase or a code never stands in one: they come in forms alone.
const (
	Recovery    = "/recovery"            // with a code, by whoever forgot the passphrase
	Recovered   = "/recovery/passphrase" // the new one
	Keys        = "/passphrase"          // of whoever is signed in
	Keychain    = "/passphrase/keychain"
	Sheet       = "/passphrase/sheet"
	SheetCopy   = "/passphrase/sheet/copy"
	Strength    = "/passphrase/strength"
	Suggestion  = "/passphrase/suggestion"
	PrintWindow = "/window/print"
)

// What a person searches for never stands in an address that the browser keeps: its history would name patients. Only
// requests carry it, as the parameter "search", taken from the search field (hx-include); a screen that pushes an
// address names the one without it (hx-push-url).

// List is the Message Center with a filter, "" for all.
func List(show string) string { return With(Messages, "show", show) }

// Conversation is one conversation as a member reads it, beside the list with that filter.
func Conversation(part care.EventID, show string) string {
	return With(Messages+"/"+part.String(), "show", show)
}

// Read marks an item of a conversation as read.
func Read(part, item care.EventID) string {
	return Shows("/messages/"+part.String()+"/read", item)
}

const itemParam = "item"

// Shows adds to an address which items stand on the screen.
func Shows(address string, items ...care.EventID) string {
	q := url.Values{}
	for _, id := range items {
		q.Add(itemParam, id.String())
	}
	if strings.Contains(address, "?") {
		return address + "&" + q.Encode()
	}
	return address + "?" + q.Encode()
}

// Shown are the items that a request to mark as read names: what stood on the screen, not what has come since.
func Shown(r *http.Request) (ids []care.EventID, err error) {
	for _, s := range r.URL.Query()[itemParam] {
		id, err := care.ParseEventID(s)
		if err != nil {
			return nil, care.Because(care.Invalid, err, "There is no such message.")
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// Resend sends again what did not reach the office.
func Resend(part care.EventID) string { return "/messages/" + part.String() + "/resend" }

// Copy saves a copy of a conversation as a file.
func Copy(part care.EventID) string { return "/messages/" + part.String() + "/copy" }

// File hands over the nth file of an item, in the conversation with the address at: /messages/PART or /cases/PART. Picture shows it.
func File(at string, item care.EventID, n int) string {
	return at + "/files/" + item.String() + "/" + strconv.Itoa(n)
}

// Picture shows the nth file of an item.
func Picture(at string, item care.EventID, n int) string { return File(at, item, n) + "/picture" }

// Letters is the address of a conversation of a member's, and Work that of the same for the care team, for what is below it.
func Letters(part care.EventID) string { return "/messages/" + part.String() }

// Work is where staff act on a conversation.
func Work(part care.EventID) string { return "/cases/" + part.String() }

// Draft is the form of an unsent new message, and where it is saved.
func Draft(id string) string { return "/drafts/" + url.PathEscape(id) }

// DraftAt is the form of an unsent message with the named field in focus.
func DraftAt(id, field string) string { return With(Draft(id), "field", field) }

// Review is the page on which an unsent text is checked.
func Review(id string) string { return Draft(id) + "/review" }

// Send sends the text of a draft.
func Send(id string) string { return Draft(id) + "/sending" }

// DeleteDraft deletes a draft.
func DeleteDraft(id string) string { return Draft(id) + "/deletion" }

// Sent is the page of a text that was sent from a draft, until it has an address of its own.
func Sent(id string) string { return "/sent/" + url.PathEscape(id) }

// SendNow ends the hold of a sent text; TakeBack makes it a draft again; Discard deletes it.
func SendNow(id string) string { return Sent(id) + "/now" }

// TakeBack makes a sent text a draft again.
func TakeBack(id string) string { return Sent(id) + "/back" }

// Discard deletes a text that was not sent.
func Discard(id string) string { return Sent(id) + "/deletion" }

// Queue is one queue of the staff inbox.
func Queue(queue string) string { return Inbox + "/" + url.PathEscape(queue) }

// Case is one conversation as staff read it, beside a queue.
func Case(queue string, part care.EventID) string { return Queue(queue) + "/" + part.String() }

// Act is where staff act on a conversation: "claim", "unclaim", "assign", "flag", "read", "reopen", "resend", "copy", "reply", "note",
// "completion", "acceptance", "declining".
func Act(part care.EventID, verb string) string { return "/cases/" + part.String() + "/" + verb }

// RowID is the id of a conversation's row in a list.
func RowID(part care.EventID, draft string) string {
	if part.IsZero() {
		return "row-" + draft
	}
	return "row-" + part.String()
}

// ItemID is the id of one message, note or line in a conversation.
func ItemID(id care.EventID) string { return "item-" + id.String() }

// HeldID is the id of a text on its way.
func HeldID(draft string) string { return "held-" + draft }
