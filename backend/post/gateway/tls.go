package gateway

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"postern/backend/care"
	"postern/backend/record/store"
)

// How long certificates hold. Logins name the authority, so it outlives them; a server's certificate is made anew well
// before its end. Both begin early, for clocks that are behind.
const (
	authorityHolds = 20 * 365 * 24 * time.Hour
	serverHolds    = 90 * 24 * time.Hour
	renewBefore    = 30 * 24 * time.Hour
	early          = 7 * 24 * time.Hour
	veryEarly      = 365 * 24 * time.Hour
)

// certificates gives the server's certificate, for each handshake one that holds now.
type certificates struct {
	dir   string
	hosts []string
	now   func() time.Time
	files [2]string // of a certificate that was given; empty: its own

	mu      sync.Mutex
	current *tls.Certificate
	from    time.Time // when the files were written; or
	renew   time.Time // when its own is made anew
	asked   time.Time // when that was last looked at
}

func (c *certificates) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.get() }}
}

// looks is how often files are asked whether they are new.
const looks = time.Minute

func (c *certificates) get() (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if c.files[0] != "" {
		if c.current != nil && now.Sub(c.asked).Abs() < looks {
			return c.current, nil
		}
		c.asked = now
		err := c.read()
		if c.current != nil {
			err = nil // the one that was read holds on
		}
		return c.current, err
	}
	if c.current != nil && now.Before(c.renew) && !now.Before(c.current.Leaf.NotBefore) {
		return c.current, nil
	}
	if err := c.make(now); err != nil {
		return nil, err
	}
	return c.current, nil
}

// read reads the files that were given, if they are new.
func (c *certificates) read() error {
	info, err := os.Stat(c.files[0])
	if err != nil || info.ModTime().Equal(c.from) && c.current != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(c.files[0], c.files[1])
	if err != nil {
		return err
	}
	c.current, c.from = &pair, info.ModTime()
	return nil
}

// make takes the server's certificate from its file, or makes one.
func (c *certificates) make(now time.Time) error {
	authority, key, err := c.authority(now)
	if err != nil {
		return err
	}
	certFile, keyFile := filepath.Join(c.dir, "server.pem"), filepath.Join(c.dir, "server.key")
	if pair, err := tls.LoadX509KeyPair(certFile, keyFile); err == nil && c.fits(pair.Leaf, authority, now) {
		c.current, c.renew = &pair, pair.Leaf.NotAfter.Add(-renewBefore)
		return nil
	}
	template := &x509.Certificate{Subject: pkix.Name{CommonName: "Postern gateway"}, NotBefore: now.Add(-early), NotAfter: now.Add(serverHolds),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	for _, h := range c.hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	if template.NotAfter.After(authority.NotAfter) {
		template.NotAfter = authority.NotAfter
	}
	if err := issue(template, authority, key, certFile, keyFile); err != nil {
		return fmt.Errorf("make the gateway's certificate: %w", err)
	}
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return fmt.Errorf("read the gateway's certificate: %w", err)
	}
	c.current, c.renew = &pair, pair.Leaf.NotAfter.Add(-renewBefore)
	return nil
}

// fits reports whether a certificate can be used on.
func (c *certificates) fits(leaf, authority *x509.Certificate, now time.Time) bool {
	names := slices.Clone(leaf.DNSNames)
	for _, ip := range leaf.IPAddresses {
		names = append(names, ip.String())
	}
	for _, h := range c.hosts {
		if ip := net.ParseIP(h); ip != nil {
			h = ip.String()
		}
		if !slices.Contains(names, h) {
			return false
		}
	}
	return leaf.CheckSignatureFrom(authority) == nil && !now.Before(leaf.NotBefore) && now.Before(leaf.NotAfter.Add(-renewBefore))
}

// authority gives the gateway's own authority, which is made once.
func (c *certificates) authority(now time.Time) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	certFile, keyFile := filepath.Join(c.dir, "ca.pem"), filepath.Join(c.dir, "ca.key")
	if _, err := os.Stat(certFile); errors.Is(err, fs.ErrNotExist) {
		alone, err := c.alone()
		if err != nil {
			return nil, nil, err
		}
		defer func() { _ = alone.Close() }() // with it the lock goes, whatever it says
	}
	if _, err := os.Stat(certFile); errors.Is(err, fs.ErrNotExist) { // still
		template := &x509.Certificate{Subject: pkix.Name{CommonName: "Postern gateway, its own authority"}, NotBefore: now.Add(-veryEarly), NotAfter: now.Add(authorityHolds),
			IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign}
		if err := issue(template, nil, nil, certFile, keyFile); err != nil {
			return nil, nil, fmt.Errorf("make the gateway's authority: %w", err)
		}
	}
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, nil, care.Because(care.Corrupt, err, "The gateway's authority, ca.pem and ca.key in its folder tls, cannot be read. Logins name it: go back to a backup of that folder.")
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return nil, nil, care.Refusef(care.Corrupt, "The gateway's ca.key is not a key of its own. Go back to a backup of its folder tls.")
	}
	return pair.Leaf, key, nil
}

// alone waits until no other process makes an authority: two would make two, and logins name one.
func (c *certificates) alone() (lock *store.FileLock, err error) {
	for range 100 {
		if lock, err = store.Lock(filepath.Join(c.dir, "making")); err == nil {
			return lock, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil, fmt.Errorf("make the gateway's authority: %w", err)
}

// issue makes a key and a certificate for it, and writes both, the certificate last. Without an authority it signs itself.
func issue(template, authority *x509.Certificate, by *ecdsa.PrivateKey, certFile, keyFile string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	if authority == nil {
		authority, by = template, key
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)); err != nil {
		return err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, authority, &key.PublicKey, by)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := replace(keyFile, "PRIVATE KEY", private, 0o600); err != nil {
		return err
	}
	return replace(certFile, "CERTIFICATE", der, 0o644)
}

// replace writes a file whole or not at all.
func replace(file, kind string, der []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(file+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	if err := errors.Join(pem.Encode(f, &pem.Block{Type: kind, Bytes: der}), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// certificates gives those of this gateway.
func (g *Gateway) certificates() (*certificates, error) {
	c := &certificates{dir: filepath.Join(g.dir, "tls"), hosts: slices.Concat(g.at.hosts, g.at.formerHosts), now: g.o.Now, files: [2]string{g.o.Certificate, g.o.Key}}
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return nil, err
	}
	return c, nil
}

// roots are the authorities, as PEM, that a client must trust beside its system's.
func (g *Gateway) roots() (string, error) {
	file := g.o.Roots
	if g.o.Certificate != "" && file == "" {
		return "", nil
	}
	if file == "" {
		c, err := g.certificates()
		if err != nil {
			return "", fmt.Errorf("make the gateway's folder tls: %w", err)
		}
		g.mu.Lock() // two at a time would make two
		_, _, err = c.authority(g.o.Now())
		g.mu.Unlock()
		if err != nil {
			return "", err
		}
		file = filepath.Join(c.dir, "ca.pem")
	}
	roots, err := os.ReadFile(file)
	if err != nil {
		return "", care.Because(care.Invalid, err, "The authorities that clients of the gateway must trust cannot be read.")
	}
	return string(roots), nil
}

// Is reports whether its certificate is for a host, so that a client can ask for it by that name.
func (g *Gateway) Is(host string) bool {
	c, err := g.certificates()
	if err != nil {
		return false
	}
	if c.files[0] == "" { // what its own one is made for
		return slices.Contains(c.hosts, host)
	}
	given, err := c.get()
	return err == nil && given.Leaf.VerifyHostname(host) == nil
}
