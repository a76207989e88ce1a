//go:build !race

package gateway_test

const killed = 500

const slower = 1
