// Package gateways carries the recipes for mail systems inside the program, so that it can set one up from wherever it
// runs: a script and the templates that the script fills in. It does nothing itself; backend/post/recipe runs them.
package gateways

import "embed"

// DovecotPostfix names the script for Dovecot and Postfix among Files.
const DovecotPostfix = "dovecot-postfix.sh"

// Files are the scripts with their templates, all in one folder.
//
//go:embed dovecot-postfix.sh dovecot.conf dovecot.acl postfix-main.cf postfix-master.cf postfix-senders
var Files embed.FS
