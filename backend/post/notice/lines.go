package notice

// Lines are all the lines that a mail of this package may hold, in every language, of a practice of that name or of one that is not told:
// what quotes them without marks quotes us. Of a practice that had another name when the mail went out, the line with that is missing.
func Lines(practice string) (all []string) {
	for _, w := range []words{english, spanish} {
		all = append(all, w.anonymous, w.open, w.replies, w.noReplies, w.emergency, w.stop, w.notRead, w.write)
		if oneLine(practice) != "" {
			all = append(all, w.news(practice))
		}
	}
	return all
}
