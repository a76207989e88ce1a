package app

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"postern/backend/care"
)

// asking asks a person at a terminal, or takes the lines of what is piped in.
type asking struct {
	cmd *cobra.Command
	in  *bufio.Reader
}

func newAsking(cmd *cobra.Command) asking { return asking{cmd, bufio.NewReader(cmd.InOrStdin())} }

// passphrase reads the passphrase of something that is there.
func passphrase(file string, cmd *cobra.Command) (string, error) {
	return newAsking(cmd).secret("Passphrase: ", file)
}

// chosen reads a new passphrase, twice where it is typed: nobody sees what they typed.
func (a asking) chosen(prompt, file string) (string, error) {
	first, err := a.secret(prompt, file)
	if _, typed := a.terminal(); err != nil || file != "" || !typed {
		return first, err
	}
	again, err := a.secret("The same once more: ", "")
	if err != nil {
		return "", err
	}
	if again != first {
		return "", care.Refusef(care.Invalid, "The two are not the same. Begin again.")
	}
	return first, nil
}

// secret reads the first line of a file or, without one, what is typed, unseen. It is never a flag: flags show in process lists.
func (a asking) secret(prompt, file string) (string, error) {
	if file != "" {
		text, err := readSecret(file)
		if err != nil {
			return "", err
		}
		return firstLine(string(text), nil)
	}
	if fd, typed := a.terminal(); typed {
		fmt.Fprint(a.cmd.ErrOrStderr(), prompt)
		typed, err := term.ReadPassword(fd) // without showing it
		fmt.Fprintln(a.cmd.ErrOrStderr())
		return firstLine(string(typed), err)
	}
	return a.line(prompt)
}

// terminal is where a person types, if one does.
func (a asking) terminal() (fd int, typed bool) {
	f, ok := a.cmd.InOrStdin().(*os.File)
	if !ok {
		return 0, false
	}
	return int(f.Fd()), term.IsTerminal(int(f.Fd()))
}

// line reads a line.
func (a asking) line(prompt string) (string, error) {
	fmt.Fprint(a.cmd.ErrOrStderr(), prompt)
	return firstLine(a.in.ReadString('\n'))
}

func firstLine(text string, err error) (string, error) {
	line, _, _ := strings.Cut(text, "\n")
	if line = strings.TrimRight(line, "\r"); line == "" {
		return "", care.Because(care.Invalid, err, "Nothing was given.")
	}
	return line, nil
}
