// Package view answers the questions that screens ask, read only, shaped as the screens need them.
//
// It reads across the tables of the other rooms of record and writes none. It never dials and never decides.
package view
