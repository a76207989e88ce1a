package posttest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"testing"
	"time"

	"postern/backend/care"
)

// Certificate says what the certificate of a TLSServer is like. The zero value is one that holds.
type Certificate struct {
	NotBefore, NotAfter time.Time // default: around now
	Name                string    // default: 127.0.0.1
}

// TLSServer listens with a certificate of its own authority, whose PEM it gives, and says nothing once the handshake is
// done. It ends with the test.
func TLSServer(tb testing.TB, c Certificate) (e care.Endpoint, roots string) {
	tb.Helper()
	if c.NotBefore.IsZero() {
		c.NotBefore = time.Now().Add(-time.Hour)
	}
	if c.NotAfter.IsZero() {
		c.NotAfter = time.Now().Add(time.Hour)
	}
	authority := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "An authority of a test"},
		NotBefore: c.NotBefore.Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	server := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: c.NotBefore, NotAfter: c.NotAfter,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	if c.Name == "" {
		server.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	} else {
		server.DNSNames = []string{c.Name}
	}
	authorityKey, key := newKey(tb), newKey(tb)
	signed := sign(tb, authority, authority, authorityKey, authorityKey)
	leaf := sign(tb, server, authority, key, authorityKey)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{leaf}, PrivateKey: key}}})
	if err != nil {
		tb.Fatal(err)
	}
	serve(tb, l)
	return care.Endpoint{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, TLS: care.TLSImplicit},
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}))
}

// SilentServer listens and never says a word. It ends with the test.
func SilentServer(tb testing.TB, mode care.TLSMode) care.Endpoint {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	serve(tb, l)
	return care.Endpoint{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, TLS: mode}
}

// ClosedPort is one on which nobody listens, nor can before the test ends: a connection of ours has it at its other end.
func ClosedPort(tb testing.TB, mode care.TLSMode) care.Endpoint {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	serve(tb, l)
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = c.Close() }) // nothing was said
	return care.Endpoint{Host: "127.0.0.1", Port: c.LocalAddr().(*net.TCPAddr).Port, TLS: mode}
}

// serve takes connections, reads them to their end, and answers nothing.
func serve(tb testing.TB, l net.Listener) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				var b [1 << 10]byte
				for {
					if _, err := c.Read(b[:]); err != nil {
						_ = c.Close() // the client went
						return
					}
				}
			}()
		}
	}()
	tb.Cleanup(func() {
		_ = l.Close()
		<-ended
	})
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func sign(tb testing.TB, c, by *x509.Certificate, key, with *ecdsa.PrivateKey) []byte {
	tb.Helper()
	der, err := x509.CreateCertificate(rand.Reader, c, by, &key.PublicKey, with)
	if err != nil {
		tb.Fatal(err)
	}
	return der
}
