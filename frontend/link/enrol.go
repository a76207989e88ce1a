package link

// Addresses of the way in with an invitation. None of what is typed there stands in one: files, codes and passphrases come
// as what is posted, alone.
const (
	Invitation     = "/invitation" // the file and its code
	InvitationFile = "/invitation/file"
	Born           = "/invitation/born"
	Choose         = "/invitation/passphrase"
	Enrolling      = "/invitation/progress"
	EnrolSheet     = "/invitation/sheet"
	EnrolSheetCopy = "/invitation/sheet/copy"
	EnrolSheetKept = "/invitation/sheet/kept"
	Enter          = "/invitation/entry"
	NotMe          = "/invitation/leaving"
)

// Addresses of setting up a practice.
const (
	Setup         = "/setup" // the practice
	SetupMail     = "/setup/mail"
	SetupAccounts = "/setup/mail/accounts"
	SetupTrial    = "/setup/mail/trial"
	SetupRoot     = "/setup/root"
	SetupYou      = "/setup/you"
	Founding      = "/setup/progress"
	RootKey       = "/setup/key" // to be put away
	RootFile      = "/setup/key/file"
	RootSheetCopy = "/setup/key/sheet"
	RootTaken     = "/setup/key/taken"
)
