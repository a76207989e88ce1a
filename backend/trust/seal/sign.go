package seal

import (
	"crypto/ed25519"

	"postern/backend/care"
)

// Label stands in front of every signed thing, so that a signature over one kind of thing is never one over another.
type Label string

// The labels.
const (
	LabelEvent     Label = "postern.event.v1\n"
	LabelDirectory Label = "postern.directory.v1\n"
	LabelRoster    Label = "postern.roster.v1\n"
	LabelCare      Label = "postern.care.v1\n"
	LabelCert      Label = "postern.cert.v1\n"
	LabelInvite    Label = "postern.invite.v1\n"
	LabelGrant     Label = "postern.grant.v1\n"
	LabelVouch     Label = "postern.vouch.v1\n"
	LabelAudit     Label = "postern.audit.v1\n"
)

func labelled(l Label, b []byte) []byte {
	out := make([]byte, 0, len(l)+len(b))
	out = append(out, l...)
	return append(out, b...)
}

// Sign gives the Ed25519 signature over the label and b.
func Sign(key ed25519.PrivateKey, l Label, b []byte) []byte {
	return ed25519.Sign(key, labelled(l, b))
}

// Verify reports whether sig is a signature of pub over the label and b. A key or signature of a wrong length is no panic.
func Verify(pub ed25519.PublicKey, l Label, b, sig []byte) bool {
	if len(pub) != ed25519.PublicKeySize || len(sig) != ed25519.SignatureSize {
		return false
	}
	return ed25519.Verify(pub, labelled(l, b), sig)
}

// Fingerprint names a signing key by its public bytes.
func Fingerprint(pub ed25519.PublicKey) care.KeyID {
	return fingerprint(algorithmEd25519, pub)
}
