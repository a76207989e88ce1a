// Postern: a secure message center between the members of a clinic and their care teams.
package main

import "postern/app"

func main() { app.Main() }
