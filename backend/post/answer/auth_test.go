package answer

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-msgauth/dkim"
)

// TestTold reads what the trusted server found, and nobody else.
func TestTold(t *testing.T) {
	const id = "mx.clinic.example"
	inside := "Received: from mx.clinic.example by store.mx.clinic.example with LMTP id 1; Mon, 23 Nov 2026 10:41:09 -0500\r\n"
	border := "Received: from out.mail.example (out.mail.example [192.0.2.17])\r\n\tby mx.clinic.example (Postfix) with ESMTPS id 2; Mon, 23 Nov 2026 10:41:08 -0500\r\n"
	foreign := "Received: from home by out.mail.example with ESMTPSA; Mon, 23 Nov 2026 10:41:07 -0500\r\n"
	good := "Authentication-Results: mx.clinic.example 1;\r\n\tdkim=pass (2048-bit key; unprotected) header.d=mail.example header.i=@mail.example;\r\n\tspf=pass smtp.mailfrom=maria@mail.example;\r\n\tdmarc=pass (p=reject; dis=none) header.from=mail.example\r\n"
	bad := "Authentication-Results: MX.clinic.example; dkim=fail reason=\"bad; dkim=pass\" header.d=mail.example; spf=softfail (a; spf=pass) smtp.mailfrom=\"x; dmarc=pass\"@mail.example; dmarc=temperror\r\n"
	all := [3]Outcome{Pass, Pass, Pass}
	none := [3]Outcome{None, None, None}
	for name, c := range map[string]struct {
		head  string
		trust Trust
		want  [3]Outcome // SPF, DKIM, DMARC
	}{
		"above our border":                    {good + border, Trust{ID: id}, all},
		"nobody is trusted":                   {good + border, Trust{}, none},
		"another server's":                    {strings.Replace(good, "mx.clinic", "mx.other", 1) + border, Trust{ID: id}, none},
		"one whose name only begins so":       {strings.Replace(good, "mx.clinic.example", "mx.clinic.example.evil.example", 1) + border, Trust{ID: id}, none},
		"below our border, as a forger can":   {border + good, Trust{ID: id}, none},
		"below our border, where ours writes": {border + good + foreign, Trust{ID: id, Below: true}, all},
		"below a foreign server":              {foreign + good, Trust{ID: id, Below: true}, none},
		"below the next one":                  {border + foreign + good, Trust{ID: id, Below: true}, none},
		"two hops":                            {inside + good + border, Trust{ID: id, Hops: 2}, all},
		"two hops, one expected":              {inside + good + border, Trust{ID: id}, none},
		"a hop of another name":               {strings.ReplaceAll(inside, "by store.mx.clinic.example", "by 2002:a05:7022:1") + good + border, Trust{ID: id, Hops: 2, Hosts: []string{"2002:a05:"}}, all},
		"a forged hop of ours":                {border + strings.Replace(border, "id 2", "id 9", 1) + good, Trust{ID: id, Below: true}, none},
		"a comment that looks like our name":  {border + "Received: from x (by mx.clinic.example) by evil.example; now\r\n" + good, Trust{ID: id, Hops: 2}, none},
		"bad, with what looks good in it":     {bad + border, Trust{ID: id}, [3]Outcome{Fail, Fail, Temporary}},
		"the last written counts":             {bad + good + border, Trust{ID: id}, [3]Outcome{Fail, Fail, Temporary}},
		"no results":                          {"Authentication-Results: mx.clinic.example; none\r\n" + border, Trust{ID: id}, none},
		"neutral":                             {"Authentication-Results: mx.clinic.example; spf=neutral; dkim=neutral; dmarc=none\r\n" + border, Trust{ID: id}, none},
		"one of two signatures":               {"Authentication-Results: mx.clinic.example; dkim=fail header.d=a.example; dkim = pass header.d=b.example; spf/1=permerror\r\n" + border, Trust{ID: id}, [3]Outcome{Fail, Pass, None}},
		"broken in the middle":                {"Authentication-Results: mx.clinic.example; arc=pass header.oldest-pass=x; nonsense; spf=pass\r\n" + border, Trust{ID: id}, [3]Outcome{Pass, None, None}},
	} {
		t.Run(name, func(t *testing.T) {
			a := mustRead(t, append([]byte(c.head), letter("text/plain", "words")...), Known{Trust: c.trust}).Auth
			if got := [3]Outcome{a.SPF, a.DKIM, a.DMARC}; got != c.want || a.Own != None {
				t.Errorf("told %v, not %v", got, c.want)
			}
		})
	}
}

// TestOwnCheck verifies signatures with keys from a table, and says who signed and whether that is who wrote.
func TestOwnCheck(t *testing.T) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&rsaKey.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	inDNS := map[string]string{
		"k._domainkey.mail.example":         "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(ed.Public().(ed25519.PublicKey)),
		"k._domainkey.bounces.mail.example": "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der),
		"k._domainkey.relay.example":        "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der),
	}
	lookup := func(name string) ([]string, error) {
		switch {
		case strings.Contains(name, "slow"):
			return nil, temporary{}
		case inDNS[name] == "":
			return nil, errors.New("no such name")
		}
		return []string{inDNS[name]}, nil
	}
	signed := func(raw []byte, domain string, key crypto.Signer) []byte {
		var out bytes.Buffer
		o := &dkim.SignOptions{Domain: domain, Selector: "k", Signer: key, HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed, HeaderKeys: []string{"From", "Subject", "To"}}
		if err := dkim.Sign(&out, bytes.NewReader(raw), o); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	plain := letter("text/plain", "words\r\n")
	good := signed(plain, "mail.example", ed)
	for name, c := range map[string]struct {
		raw     []byte
		own     Outcome
		signed  []string
		aligned bool
	}{
		"not signed":                      {plain, None, nil, false},
		"signed by the writer's":          {good, Pass, []string{"mail.example"}, true},
		"by a part of the same":           {signed(plain, "bounces.mail.example", rsaKey), Pass, []string{"bounces.mail.example"}, true},
		"by somebody else":                {signed(plain, "relay.example", rsaKey), Pass, []string{"relay.example"}, false},
		"by two":                          {signed(good, "relay.example", rsaKey), Pass, []string{"relay.example", "mail.example"}, true},
		"words changed on the way":        {bytes.Replace(good, []byte("words"), []byte("other"), 1), Fail, nil, false},
		"a subject changed":               {bytes.Replace(good, []byte("A message"), []byte("A massage"), 1), Fail, nil, false},
		"one broken, one good":            {signed(bytes.Replace(good, []byte("To: reply"), []byte("To: rreply"), 1), "relay.example", rsaKey), Pass, []string{"relay.example"}, false},
		"with a key that nobody has":      {signed(plain, "unknown.example", ed), Fail, nil, false},
		"with a key not reached now":      {signed(plain, "slow.example", ed), Temporary, nil, false},
		"with the wrong key":              {signed(plain, "mail.example", rsaKey), Fail, nil, false},
		"a second From above":             {append([]byte("From: Dr. Lee <lee@clinic.example>\r\n"), good...), Pass, []string{"mail.example"}, false},
		"the same From twice":             {append([]byte("From: maria.soto@mail.example\r\n"), good...), Pass, []string{"mail.example"}, false},
		"two writers":                     {signed(bytes.Replace(plain, []byte("Soto <"), []byte("Soto <x@other.example>, <"), 1), "mail.example", ed), Pass, []string{"mail.example"}, false},
		"line feeds alone on the way":     {bytes.ReplaceAll(good, []byte("\r\n"), []byte("\n")), Pass, []string{"mail.example"}, true},
		"a signature that is no such":     {append([]byte("DKIM-Signature: nonsense\r\n"), plain...), Fail, nil, false},
		"more words below what it covers": {append(bytes.Clone(good), "more\r\n"...), Fail, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			a := mustRead(t, c.raw, Known{LookupTXT: lookup}).Auth
			if a.Own != c.own || !slices.Equal(a.Signed, c.signed) || a.Aligned != c.aligned {
				t.Errorf("found %+v", a)
			}
		})
	}
}

type temporary struct{}

func (temporary) Error() string   { return "no answer" }
func (temporary) Timeout() bool   { return true }
func (temporary) Temporary() bool { return true }

// TestSameOrganisation compares as RFC 7489 does, relaxed.
func TestSameOrganisation(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"mail.example", "MAIL.example.", true}, {"a.mail.example", "b.mail.example", true}, {"mail.example", "mail2.example", false},
		{"a.co.uk", "b.co.uk", false}, {"x.a.co.uk", "a.co.uk", true}, {"co.uk", "co.uk", false}, {"", "", false}, {"evil.example/mail.example", "mail.example", false},
	} {
		if got := sameOrganisation(c.a, c.b); got != c.same {
			t.Errorf("%q and %q: %v", c.a, c.b, got)
		}
	}
}
