package recipe

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"postern/backend/care"
)

// places is where mail systems stand that belong to a data folder: the servers' own users must be able to enter it, and
// they cannot enter a person's home.
const places = "/var/lib/postern"

// Place gives the folder for the mail system that belongs to a data folder, and makes it, with sudo where this is not
// root. The same data folder has the same place.
func Place(ctx context.Context, data string) (string, error) {
	full, err := filepath.Abs(data)
	if err != nil {
		return "", fmt.Errorf("mail system: %w", err)
	}
	sum := sha256.Sum256([]byte(full))
	dir := filepath.Join(places, hex.EncodeToString(sum[:8]))
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return dir, nil
	}
	args := []string{"install", "-d", "-m", "755", "-o", strconv.Itoa(os.Getuid()), dir}
	if os.Getuid() != 0 {
		args = append([]string{"sudo"}, args...)
	}
	if out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
		return "", care.Because(care.Unavailable, fmt.Errorf("%w: %s", err, out), "The folder "+dir+" for the mail system cannot be made. It needs root or sudo.")
	}
	return dir, nil
}
