//go:build race

package gateway_test

// killed is how often TestSurvivesSIGKILL kills: a process under the race detector takes ten times as long to begin.
const killed = 100

// slower is by how much more time computing may take.
const slower = 10
