package admin

import "testing"

func TestEndpoint(t *testing.T) {
	for at, want := range map[string][2]string{
		"mail.clinic.example:993": {"mail.clinic.example", "993"},
		"[fd00::20]:8993":         {"fd00::20", "8993"},
		"mail":                    {"mail", ""},
	} {
		if host, port := endpoint(at); host != want[0] || port != want[1] {
			t.Errorf("%s: %q, %q", at, host, port)
		}
	}
}
