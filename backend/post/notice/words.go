package notice

import "strings"

// words are the fixed texts of one language. They say what is to be done and nothing of what there is to read.
type words struct {
	subject   string
	anonymous string // that there is something to read, without the practice's name
	named     string // with it, where NAME stands
	open      string
	replies   string
	noReplies string
	emergency string
	stop      string

	notReadSubject string
	notRead        string
	write          string
	call           string // and then the number
}

func (w words) news(practice string) string {
	if practice = oneLine(practice); practice == "" {
		return w.anonymous
	}
	return strings.Replace(w.named, "NAME", practice, 1)
}

// wordsIn are the texts in the language of somebody, as far as there are any; Spanish and English are.
func wordsIn(language string) words {
	primary, _, _ := strings.Cut(strings.ToLower(language), "-")
	if primary == "es" {
		return spanish
	}
	return english
}

var english = words{
	subject:   "Something new for you to read",
	anonymous: "There is something new for you to read in Postern.",
	named:     "NAME has something new for you to read in Postern.",
	open:      "Open Postern on your computer to read it. To protect your privacy, this e-mail says nothing more.",
	replies: "You can answer this e-mail. An e-mail is not as private as a message in Postern: write there what only your care " +
		"team should read.",
	noReplies: "Please write in Postern and not to this address: nobody reads what is sent to it.",
	emergency: "In an emergency, call 911.",
	stop:      "If you do not want these e-mails, answer with the one word STOP.",

	notReadSubject: "This address is not read",
	notRead:        "This is an automatic answer. Nobody reads e-mail that is sent to this address, and what you wrote did not reach your care team.",
	write:          "Open Postern on your computer and write there.",
	call:           "You can also call the front desk:",
}

var spanish = words{
	subject:   "Algo nuevo para leer",
	anonymous: "Tiene algo nuevo para leer en Postern.",
	named:     "NAME tiene algo nuevo para usted en Postern.",
	open:      "Abra Postern en su computadora para leerlo. Para proteger su privacidad, este correo no dice nada más.",
	replies: "Puede responder a este correo. Un correo no es tan privado como un mensaje en Postern: escriba allí lo que solo " +
		"debe leer su equipo médico.",
	noReplies: "Por favor, escriba en Postern y no a esta dirección: nadie lee lo que se envía a ella.",
	emergency: "En una emergencia, llame al 911.",
	stop:      "Si no desea recibir estos correos, responda con la sola palabra STOP.",

	notReadSubject: "Esta dirección no se lee",
	notRead: "Esta es una respuesta automática. Nadie lee los correos que se envían a esta dirección, y lo que usted escribió no llegó " +
		"a su equipo médico.",
	write: "Abra Postern en su computadora y escriba allí.",
	call:  "También puede llamar a la recepción:",
}
