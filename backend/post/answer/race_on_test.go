//go:build race

package answer

// slow is by how much smaller the longest hostile mails are: computing takes twenty times as long under the race detector.
const slow = 32
