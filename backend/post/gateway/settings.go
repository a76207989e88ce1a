package gateway

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"postern/backend/care"
	"postern/backend/record/store"
)

// settings are what the folder keeps beside mailboxes, so that logins once given stay good.
type settings struct {
	domain    string
	hosts     []string
	addresses map[string]string // by service
}

// The services of a gateway.
const (
	imaps = "IMAPS"
	smtps = "SMTPS"
	imapC = "IMAP"
	smtpC = "SMTP"
)

var domainName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)

// settle reads what was kept, puts what the options say over it and keeps the result.
func (g *Gateway) settle(ctx context.Context) error {
	g.at.addresses = map[string]string{}
	return g.db.Write(ctx, func(tx *sql.Tx) error {
		kept, err := readSettings(ctx, tx)
		if err != nil {
			return err
		}
		if err := g.settleNames(kept); err != nil {
			return err
		}
		wanted := map[string]string{imaps: g.o.IMAPS, smtps: g.o.SMTPS}
		if g.o.Clear {
			wanted[imapC], wanted[smtpC] = g.o.IMAP, g.o.SMTP
		}
		changed := map[string]string{"domain": g.at.domain, "hosts": strings.Join(g.at.hosts, " ")}
		g.settleFiles(kept, changed)
		for service, address := range wanted {
			if address == "" {
				address = kept[service]
			}
			if g.at.addresses[service], err = placed(service, address); err != nil {
				return err
			}
			if err := g.reachable(service); err != nil {
				return err
			}
			changed[service] = g.at.addresses[service]
		}
		for name, value := range changed {
			if kept[name] == value {
				continue // opening writes nothing where nothing changes
			}
			if err := keep(ctx, tx, name, value); err != nil {
				return err
			}
		}
		return nil
	})
}

func (g *Gateway) settleNames(kept map[string]string) error {
	domain := strings.ToLower(g.o.Domain)
	switch {
	case domain == "":
		if domain = kept["domain"]; domain == "" {
			domain = DefaultDomain
		}
	case !domainName.MatchString(domain):
		return care.Refusef(care.Invalid, "%q is no domain for addresses.", g.o.Domain)
	case kept["domain"] != "" && kept["domain"] != domain:
		return care.Refusef(care.Conflict, "This gateway's addresses end in @%s, and signed documents name them: the domain cannot be changed to %s.", kept["domain"], domain)
	}
	g.at.domain = domain
	if g.at.hosts = g.o.Hosts; len(g.at.hosts) == 0 {
		g.at.hosts = strings.Fields(kept["hosts"])
	}
	if len(g.at.hosts) == 0 {
		g.at.hosts = []string{"127.0.0.1", "::1", "localhost"}
	}
	return nil
}

// reachable refuses to serve others under a name that only this computer has, and in the clear.
func (g *Gateway) reachable(service string) error {
	host, _, err := net.SplitHostPort(g.at.addresses[service])
	if err != nil {
		return fmt.Errorf("address of %s: %w", service, err)
	}
	if isLocal(host) {
		return nil
	}
	if isLocal(g.at.hosts[0]) {
		return care.Refusef(care.Invalid, "The gateway is to serve other computers on %s. Say with --host under which name they reach it.", host)
	}
	if service == imapC || service == smtpC {
		return care.Refusef(care.Invalid, "The gateway serves without TLS on this computer alone, not on %s.", host)
	}
	return nil
}

func isLocal(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// settleFiles keeps which certificate was given, for logins that are made without saying it again.
func (g *Gateway) settleFiles(kept, changed map[string]string) {
	if g.o.Certificate == "" {
		g.o.Certificate, g.o.Key, g.o.Roots = kept["certificate"], kept["key"], kept["roots"]
	}
	for name, file := range map[string]*string{"certificate": &g.o.Certificate, "key": &g.o.Key, "roots": &g.o.Roots} {
		if full, err := filepath.Abs(*file); *file != "" && err == nil {
			*file = full
		}
		changed[name] = *file
	}
}

// placed gives an address its port, a free one where it has none.
func placed(service, address string) (string, error) {
	if address == "" {
		address = "127.0.0.1"
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		host, port = strings.Trim(address, "[]"), "0"
	}
	if port != "0" {
		return net.JoinHostPort(host, port), nil
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return "", care.Because(care.Invalid, err, fmt.Sprintf("The gateway cannot listen for %s at %q.", service, address))
	}
	defer func() { _ = l.Close() }() // only its port was wanted
	return l.Addr().String(), nil
}

func readSettings(ctx context.Context, tx *sql.Tx) (map[string]string, error) {
	all := map[string]string{}
	err := store.Each(ctx, tx, "SELECT name, value FROM setting", nil, func(rows *sql.Rows) error {
		var name, value string
		err := rows.Scan(&name, &value)
		all[name] = value
		return err
	})
	return all, err
}

// numbers asks a question that is answered by one number a row.
func numbers[N int64 | uint32](ctx context.Context, tx *sql.Tx, question string, args ...any) (all []N, err error) {
	err = store.Each(ctx, tx, question, args, func(rows *sql.Rows) error {
		var n N
		err := rows.Scan(&n)
		all = append(all, n)
		return err
	})
	return all, err
}

func keep(ctx context.Context, tx *sql.Tx, name, value string) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, value)
	return err
}

// next raises a counter among the settings, to at least a value, and gives it.
func next(ctx context.Context, tx *sql.Tx, name string, atLeast int64) (int64, error) {
	var text string
	if err := tx.QueryRowContext(ctx, "SELECT value FROM setting WHERE name = ?", name).Scan(&text); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, err
	}
	last, _ := strconv.ParseInt(text, 10, 64) // none yet
	n := max(last+1, atLeast)
	return n, keep(ctx, tx, name, strconv.FormatInt(n, 10))
}

// Endpoint is where a client finds one of the services: IMAPS, SMTPS, IMAP or SMTP.
func (g *Gateway) Endpoint(service string, mode care.TLSMode) care.Endpoint {
	_, text, _ := net.SplitHostPort(g.at.addresses[service]) // it was joined here
	port, _ := strconv.Atoi(text)
	return care.Endpoint{Host: g.at.hosts[0], Port: port, TLS: mode}
}

// Addresses says on which addresses the gateway listens, by service.
func (g *Gateway) Addresses() map[string]string {
	out := map[string]string{}
	for service, address := range g.at.addresses {
		out[service] = address
	}
	return out
}
