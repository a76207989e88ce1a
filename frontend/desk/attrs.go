package desk

import "github.com/a-h/templ"

// post is how a control of the pane acts: the pane is drawn again in place. Requests of one desk stand in one queue, so
// that an older answer never overwrites a newer one.
func (a at) post(verb string, pairs ...string) templ.Attributes {
	return postTo(a.act(verb, pairs...))
}

func postTo(url string) templ.Attributes {
	return templ.Attributes{"hx-post": url, "hx-target": "#pane", "hx-swap": "outerMorph", "hx-sync": "#desk:queue all",
		"hx-include": "#composer [name=what], #composer [name=draft]"}
}

// form is post for a form. Sent before the script has run it is refused, but its text gets into no address.
func (a at) form(verb string) templ.Attributes {
	url := a.act(verb)
	out := postTo(url)
	out["method"], out["action"] = "post", url
	return out
}

// turn is how a control of an open form turns to another one, or closes it: what was typed is saved on the way.
func (a at) turn(mode string) templ.Attributes { return postTo(a.act("draft", "write", mode)) }

// swap is how a control draws the whole desk again from an address, without leaving this conversation. It waits for what
// was done before it: to replace that would be to drop a reply that was just sent.
func swap(url string) templ.Attributes {
	return templ.Attributes{"hx-get": url, "hx-target": "#desk", "hx-swap": "outerMorph", "hx-sync": "#desk:queue all",
		"hx-include": "#search, #rows"}
}

// visit is swap for a link to another conversation or list.
func visit(url string) templ.Attributes {
	out := swap(url)
	out["href"], out["hx-push-url"] = url, url
	return out
}

// disabled says that a colleague cannot be chosen. The button stays in reach, so that its reason can be read.
func disabled(c colleague) templ.Attributes {
	if !c.Disabled {
		return nil
	}
	return templ.Attributes{"aria-disabled": "true"}
}

func buttonType(c colleague) string {
	if c.Disabled {
		return "button"
	}
	return "submit"
}

func flagTitle(f urgent) string {
	if f.On {
		return "Urgent: change the flag"
	}
	return "Flag as urgent"
}

func pressed(is bool) string {
	if is {
		return "true"
	}
	return "false"
}

func unsent(c composer) string {
	if c.HasReply && c.HasNote {
		return "An unsent reply and an unsaved note"
	}
	if c.HasReply {
		return "An unsent reply"
	}
	return "An unsaved note"
}

func formLabel(c composer) string {
	if c.Mode == modeNote {
		return "Internal note"
	}
	return "Reply to member"
}

func fieldLabel(c composer) string {
	switch c.Mode {
	case modeNote:
		return "Internal note"
	case modeClosing:
		return "Closing line"
	}
	return "Reply"
}

func rows(c composer) string {
	if c.Mode == modeClosing {
		return "3"
	}
	return "5"
}

// fieldState is what is wrong with the text, and whether it takes the focus.
func fieldState(a at, c composer) templ.Attributes {
	out := templ.Attributes{}
	described := ""
	if c.Mode == modeClosing {
		described = "closing-hint"
	}
	if c.Err != "" {
		out["aria-invalid"], described = "true", "write-error"
	}
	if described != "" {
		out["aria-describedby"] = described
	}
	if a.focus == focusText {
		out["data-now"] = true
	}
	return out
}

// takesWhere is takes where is, and nothing else.
func (a at) takesWhere(is bool, focus string) templ.Attributes {
	if !is {
		return nil
	}
	return a.takes(focus)
}

// takes marks the element that takes the focus once it is drawn.
func (a at) takes(focus string) templ.Attributes {
	if a.focus != focus {
		return nil
	}
	return templ.Attributes{"data-now": true}
}

// accepts names the button that takes an e-mail as somebody's message.
func accepts(i item) string {
	after := ""
	if i.Declined {
		after = " after all"
	}
	return "Accept as " + i.Who + "'s message" + after
}
