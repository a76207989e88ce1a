package gateway

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"path/filepath"
	"regexp"
	"slices"
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

	// What logins name that were made before the gateway moved: served on as far as it can be.
	former      map[string][]string // addresses by service, the newest first
	formerHosts []string
}

// The services of a gateway.
const (
	imaps = "IMAPS"
	smtps = "SMTPS"
	imapC = "IMAP"
	smtpC = "SMTP"
)

var domainName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)

// Serving are the options of a gateway that other computers reach under a host, a name or an address, or "" for one that
// serves this computer alone; with its ports, 0 for free ones. Refusals are in the fields "host", "imapport" and "smtpport".
func Serving(host string, imap, smtp int) (Options, error) {
	for field, port := range map[string]int{"imapport": imap, "smtpport": smtp} {
		if port < 0 || port > 65535 {
			return Options{}, care.Refusef(care.Invalid, "A port is a number from 1 to 65535.").In(field)
		}
	}
	if imap != 0 && imap == smtp {
		return Options{}, care.Refusef(care.Invalid, "IMAP and SMTP need a port each.").In("smtpport")
	}
	at, hosts := "127.0.0.1", slices.Clone(alone)
	if host = strings.ToLower(strings.TrimSpace(host)); host != "" {
		ip := net.ParseIP(host)
		switch {
		case ip == nil && (!domainName.MatchString(host) || len(host) > 253), ip.IsUnspecified():
			return Options{}, care.Refusef(care.Invalid, "That is no name and no address of a computer. It looks like postern.clinic.example or 192.168.1.20.").In("host")
		case isLocal(host) || strings.HasSuffix(host, ".localhost"):
			return Options{}, care.Refusef(care.Invalid, "No other computer reaches this one under that. Type the name or the address that this computer has in the clinic's network, or nothing if no other is to reach it.").In("host")
		}
		at, hosts = "", append([]string{host}, alone...)
	}
	return Options{Hosts: hosts, IMAPS: net.JoinHostPort(at, strconv.Itoa(imap)), SMTPS: net.JoinHostPort(at, strconv.Itoa(smtp))}, nil
}

// alone are the hosts of a gateway for its own computer.
var alone = []string{"127.0.0.1", "::1", "localhost"}

// settle reads what was kept, puts what the options say over it and keeps the result.
func (g *Gateway) settle(ctx context.Context) error {
	g.at.addresses, g.at.former = map[string]string{}, map[string][]string{}
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
			if g.at.addresses[service], err = g.placed(service, address, g.others(service, kept)); err != nil {
				return err
			}
			if err := g.reachable(service); err != nil {
				return err
			}
			changed[service] = g.at.addresses[service]
			changed[service+" former"] = g.settleFormer(service, kept)
		}
		changed["hosts former"] = g.settleFormerHosts(kept)
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
		g.at.hosts = slices.Clone(alone)
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

// mostFormer is how many places a gateway serves that it has left.
const mostFormer = 3

// settleFormer says on which addresses that it has left the gateway goes on serving. One that serves this computer alone
// again is reached by others nowhere.
func (g *Gateway) settleFormer(service string, kept map[string]string) string {
	now := g.at.addresses[service]
	all := strings.Fields(kept[service+" former"])
	if was := kept[service]; g.o.GoOn && was != "" && was != now {
		all = append([]string{was}, all...)
	}
	host, port, _ := net.SplitHostPort(now) // it was joined here
	var former []string
	for _, address := range all {
		h, p, err := net.SplitHostPort(address)
		covered := p == port && (h == host || everywhere(host))
		if err == nil && !covered && !slices.Contains(former, address) && (!isLocal(host) || isLocal(h)) {
			former = append(former, address)
		}
	}
	g.at.former[service] = former[:min(len(former), mostFormer)]
	return strings.Join(g.at.former[service], " ")
}

func (g *Gateway) settleFormerHosts(kept map[string]string) string {
	all := strings.Fields(kept["hosts former"])
	if g.o.GoOn {
		all = append(strings.Fields(kept["hosts"]), all...)
	}
	for _, h := range all {
		if !slices.Contains(g.at.hosts, h) && !slices.Contains(g.at.formerHosts, h) {
			g.at.formerHosts = append(g.at.formerHosts, h)
		}
	}
	g.at.formerHosts = g.at.formerHosts[:min(len(g.at.formerHosts), 3*mostFormer)]
	return strings.Join(g.at.formerHosts, " ")
}

func everywhere(host string) bool {
	ip := net.ParseIP(host)
	return host == "" || ip != nil && ip.IsUnspecified()
}

// others are the ports at which a gateway that moves is or was reached for other services, and for which: who has not heard of the
// move goes on asking there for those. A port that the service has itself is not among them.
func (g *Gateway) others(service string, kept map[string]string) map[string]string {
	all := map[string]string{}
	if !g.o.GoOn {
		return all
	}
	_, own, _ := net.SplitHostPort(kept[service]) // "" before the first opening
	for _, other := range []string{imaps, smtps, imapC, smtpC} {
		if other == service {
			continue
		}
		for _, address := range append(strings.Fields(kept[other+" former"]), kept[other]) {
			if _, port, err := net.SplitHostPort(address); err == nil && port != own {
				all[port] = other
			}
		}
	}
	return all
}

// placed gives an address its port, a free one where it has none. That is held until the gateway starts, or is closed. others are
// ports that it may not have.
func (g *Gateway) placed(service, address string, others map[string]string) (string, error) {
	if address == "" {
		address = "127.0.0.1"
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		host, port = strings.Trim(address, "[]"), "0"
	}
	if other := others[port]; other != "" {
		return "", care.Refusef(care.Conflict, "The gateway is or was reached for %s on port %s, and who has not heard of the move yet goes on asking there for that. Choose another port for %s.",
			other, port, service).In(fieldOf(service))
	}
	if port != "0" {
		return net.JoinHostPort(host, port), nil
	}
	l, err := pickPort(host, others)
	if err != nil {
		return "", care.Because(care.Invalid, err, fmt.Sprintf("The gateway cannot listen for %s at %q.", service, address))
	}
	if before := g.held[service]; before != nil {
		_ = before.Close() // the step is being made once more; it served nobody
	}
	g.held[service] = l
	return l.Addr().String(), nil
}

// pickPort listens on a port that nobody has, and that systems do not hand out (from 32768 or 49152 on) to whoever connects somewhere:
// the next time that the gateway starts, such a one may be another program's.
func pickPort(host string, not map[string]string) (net.Listener, error) {
	any, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return nil, err
	}
	for range 100 {
		port := strconv.Itoa(10_000 + rand.N(10_000))
		if not[port] != "" {
			continue
		}
		if l, err := net.Listen("tcp", net.JoinHostPort(host, port)); err == nil {
			return l, any.Close()
		}
	}
	return any, nil
}

// release gives back the ports that were picked and not used.
func (g *Gateway) release() {
	for service, l := range g.held {
		_ = l.Close() // it served nobody
		delete(g.held, service)
	}
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

// Place is where its clients find it, as logins name it that are made now.
func (g *Gateway) Place() (care.MailPlace, error) {
	roots, err := g.roots()
	return care.MailPlace{IMAP: g.Endpoint(imaps, care.TLSImplicit), SMTP: g.Endpoint(smtps, care.TLSImplicit), Roots: roots}, err
}

// Hosts are the names and addresses under which clients reach it.
func (g *Gateway) Hosts() []string { return slices.Clone(g.at.hosts) }

// Alone reports whether it serves this computer alone.
func (g *Gateway) Alone() bool { return isLocal(g.at.hosts[0]) }

// Addresses says on which addresses the gateway listens, by service.
func (g *Gateway) Addresses() map[string]string {
	out := map[string]string{}
	for service, address := range g.at.addresses {
		out[service] = address
	}
	return out
}
