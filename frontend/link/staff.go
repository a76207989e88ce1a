package link

import "net/url"

// With is an address with further parameters; pairs whose value is empty are left out.
func With(address string, pairs ...string) string {
	u, err := url.Parse(address)
	if err != nil {
		panic(err) // addresses are made here
	}
	q := u.Query()
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	u.RawQuery = q.Encode()
	return u.String()
}
