package bounce

// The words by which mail systems and answering programs are known, in small letters with single spaces, each as the
// program writes it. To add one is to add a mail to testdata that needs it, and to see that every reply there stays a
// person's.

// autoFields are set by answering programs and ticket systems, and by nobody else.
var autoFields = []string{
	"x-autoreply", "x-auto-reply", "x-autoreply-from", "x-auto-reply-from", "x-autorespond", "x-autoresponder", "x-autoresponse",
	"x-auto-response", "x-mail-autoreply", "x-vacation", "x-servicenow-generated", "x-fc-machinegenerated",
}

// autoSubjects begin the subject of automatic answers, before a colon.
var autoSubjects = []string{
	"automatic reply", "automatic response", "auto-reply", "autoreply", "auto reply", "auto response", "auto-response", "autoresponse",
	"out of office", "out-of-office", "out of office autoreply", "out of office reply", "out of office re", "out of the office", "vacation reply",
	"automatische antwort", "automatische reaktion", "abwesenheitsnotiz", "abwesenheitsassistent",
	"respuesta automática", "respuesta automatica", "fuera de la oficina", "fuera de oficina", "respuesta de ausencia",
	"réponse automatique", "reponse automatique", "absence du bureau", "absent du bureau", "message d'absence",
	"risposta automatica", "fuori sede", "resposta automática", "resposta automatica", "fora do escritório", "automatisch antwoord",
	"afwezigheidsbericht", "autosvar", "automatiskt svar", "automatisk svar", "automaattinen vastaus", "odpowiedź automatyczna",
	"automatická odpověď", "automatikus válasz", "автоматический ответ", "автоответ", "自動応答", "自動返信", "不在通知", "自动答复", "自动回复", "자동 회신",
}

// autoWhole are whole subjects of programs; what a person may write as one is not among them.
var autoWhole = []string{
	"automatic reply", "autoreply", "auto-reply", "auto reply", "auto response", "yahoo! auto response", "automatische antwort",
	"respuesta automática", "réponse automatique", "vacation reply", "abwesenheitsnotiz", "自動応答", "自動返信",
}

// systemNames begin the From of mail systems that write from an address as people have them.
var systemNames = []string{
	`"mail delivery`, "mail delivery", `"system administrator`, "system administrator", `"systemadministrator`, "systemadministrator",
	`"mail administrator`, "mail administrator", `"mailer daemon`, "mailer daemon", `"postmaster`, "postmaster", `"microsoft outlook`, "microsoft outlook",
	`"administrador del sistema`, "administrador del sistema", `"administrateur système`, "administrateur système",
}

// failSubjects stand in the subject of failure reports.
var failSubjects = []string{
	"undeliverable", "undelivered mail returned", "returned mail", "failure notice", "delivery failure", "delivery status notification",
	"mail delivery failed", "mail delivery failure", "mail delivery problem", "delivery notification: delivery has failed", "delivery has failed", "non-deliverable", "nondeliverable mail",
	"message status - undeliverable", "mail system error", "undeliverable mail", "delivery error", "delivery failed", "could not be delivered", "mail could not be delivered",
	"email delivery failure", "unable to deliver", "message delivery failure", "returning message to sender", "failed mail to", "邮件传输失败", "unzustellbar", "nicht zustellbar", "mail delivery error",
	"zustellung fehlgeschlagen", "zustellfehler", "no se puede entregar", "no se pudo entregar", "no entregado", "error de entrega", "devuelto:", "no se puede enviar",
	"non remis", "non distribué", "échec de la remise", "échec de remise", "échec de distribution", "impossibile recapitare", "mancato recapito", "não foi possível entregar",
	"não é possível entregar", "onbestelbaar", "niet bezorgd", "olevererbart", "недоставленное сообщение", "не доставлено", "配信不能", "配信できません", "配信失敗", "送信できません", "无法传递", "退信",
}

// delaySubjects stand in the subject of reports that a mail is late.
var delaySubjects = []string{
	"delivery status notification (delay)", "delayed mail", "delivery delayed", "warning: could not send message", "message delayed", "delivery delay",
	"verzögert", "verzögerung", "retrasad", "retraso", "retardé", "retard de", "in ritardo", "配信遅延", "delivery notification: delivery has been delayed",
}

// doneSubjects stand in the subject of reports that a mail arrived.
var doneSubjects = []string{
	"successful mail delivery report", "delivery status notification (success)", "delivery status notification (relay)", "delivered:", "relayed:", "return receipt", "zugestellt:", "entregado:", "distribué",
}

// openings are first words of mail systems, whole enough to be known without anything beside them but a subject.
var openings = []string{
	"hi. this is the qmail-send program", "this message was created automatically by mail delivery software", "this is the mail system at host",
	"your message did not reach some or all of the intended recipients", "the message that you sent was undeliverable", "the original message was received at",
	"delivery has failed to these recipients", "this is an automatically generated delivery status notification", "------- failure reasons",
	"this is the postfix program at host", "****** message from interscan", "hi! this is the mailer-daemon", "hi! this is the mailer daemon", "your message was not delivered to the following recipients", "message from yahoo.com", "sorry, we were unable to deliver your message",
}

// failWords stand in the first words of failure reports.
var failWords = []string{
	"this is the qmail-send program", "i wasn't able to deliver your message", "was not able to deliver the following message", "wasn't able to deliver the following message", "i'm sorry to have to inform you that",
	"could not be delivered to one or more", "could not be delivered to", "could not be delivered", "couldn't be delivered", "could not deliver", "cannot be delivered", "can't be delivered", "was undeliverable", "undeliverable to the following",
	"did not reach the following recipient", "did not reach some or all", "delivery to the following recipient", "delivery has failed", "delivery to these recipients", "unable to deliver", "delivery failed", "failed to deliver", "permanent fatal errors", "fatal errors",
	"the following address(es) failed", "the following addresses failed", "failed addresses", "failed recipients", "was rejected by", "was not delivered", "wasn't delivered", "has not been delivered", "not listed in public name & address book", "not listed in domino directory", "user unknown", "unknown user",
	"no such user", "address not found", "message not delivered", "message blocked", "delivery failure", "an error occurred while trying to deliver", "problem delivering", "problems delivering", "returned to sender", "returned message",
	"konnte nicht zugestellt werden", "konnten nicht zugestellt werden", "nicht zugestellt werden", "fehler bei der nachrichtenzustellung", "no se pudo entregar", "no se ha podido entregar", "no ha podido ser entregado", "no pudo ser entregado", "no pudo entregarse", "error al entregar",
	"n'a pas pu être remis", "n'a pas pu être distribué", "n'a pas été remis", "n'ont pas pu être", "échec de la remise", "non è stato possibile recapitare", "não pôde ser entregue", "kon niet worden bezorgd",
	"送信できませんでした", "配信できませんでした", "お届けできませんでした", "宛先不明", "あて先不明", "送信することができませんでした", "не удалось доставить", "не может быть доставлено", "无法送达", "投递失败", "无法发送到",
}

// delayWords stand in the first words of reports that a mail is late.
var delayWords = []string{
	"this is a warning message only", "you do not need to resend your message", "has not yet been delivered", "has not been delivered yet", "delivery attempts will continue", "delivery has been delayed", "message has been delayed", "delivery to the following recipient has been delayed",
	"delivery to the following recipients has been delayed", "delivery is delayed", "delivery to these recipients or groups is delayed", "there was a temporary problem delivering your message", "keep trying to deliver", "will be retried for", "the server will keep trying", "delivery to the following recipients is delayed",
	"zustellung verzögert", "zustellung ihrer nachricht verzögert", "noch nicht zugestellt", "entrega se ha retrasado", "remise de votre message est retardée", "consegna è in ritardo", "配信が遅延",
}

// lostWords say that a late mail is given up: some reports tell the way there first.
var lostWords = []string{
	"permanent error", "permanent fatal errors", "given up", "giving up", "has failed", "failed permanently", "will not be retried", "the following address(es) failed", "delivery failed", "endgültig", "permanentemente", "définitivement",
}

// permanentWords say that a failure will not pass, where no number says so.
var permanentWords = []string{
	"permanent", "fatal error", "user unknown", "unknown user", "unknown recipient", "no such user", "no such person", "no such recipient", "no mailbox here by that name", "does not exist", "doesn't exist", "doesn't have a", "not listed in", "name is not recognized", "user not found", "mailbox not found", "recipient not found", "address not found", "account has been disabled", "account is disabled", "disabled or discontinued", "unrouteable address", "unroutable address", "unknown address",
	"unbekannt", "existiert nicht", "no existe", "desconocid", "inconnu", "n'existe pas", "宛先不明", "あて先不明", "不明です", "存在しません", "couldn't find any host named", "host unknown", "not our customer",
}

// labels stand before a recipient on its line.
var labels = []string{
	"recipient address:", "recipient:", "intended recipient:", "failed recipient:", "failed address:", "undeliverable address:", "to:", "rcpt to:", "unknown user:", "user mailbox exceeds allowed size:", "invalid final delivery userid:", "error-for:", "destinataire :", "destinatario:", "empfänger:", "宛先:", "宛先：",
}

// quoteLines part what is said from what is returned or quoted.
var quoteLines = []string{
	"- original message", "original message -", "original message follows", "original message headers", "original message attached", "original headers of the message", "header of the original", "below is a copy of the original", "below this line is a copy", "this is a copy of the message", "message header follows", "message headers follow", "returned message", "message text follows", "returned mail follows", "headers of the original", "copy of the original", "copy of your message", "unsent message follows", "unsent message below",
	"ursprüngliche nachricht", "originalnachricht", "mensaje original", "message d'origine", "message original", "messaggio originale", "mensagem original", "元のメッセージ", "原メッセージ", "forwarded message", "weitergeleitete nachricht", "mensaje reenviado", "message transféré", "begin forwarded message", "________________________________", "diagnostic information for administrators", "diagnoseinformationen für administratoren", "your message reads", "la copia del mensaje",
}

// challengers are the domains of services that ask senders for a proof.
var challengers = []string{"boxbe.com", "spamarrest.com", "bitbounce.com", "mailinblack.com", "sendio.com", "choicemail.com"}

// challengeSubjects and challengeWords are those of challenge systems that write from the recipient's own address.
var challengeSubjects = []string{
	"please confirm your message", "please verify your message", "confirm your message", "verification required", "verify your email to", "sender verification", "please confirm your email to", "action required to deliver", "confirmation required", "email verification needed", "message held", "authentification requise", "demande d'authentification", "bestätigung erforderlich", "confirme su mensaje",
}

var challengeWords = []string{
	"confirm that you are a human", "confirm that you are human", "prove that you are a human", "prove that you are human", "prove you are human", "verify that you are human", "verify that you are a human", "you are a human", "not a spammer", "your message is being held", "your message has been held", "your email is being held", "message is held until", "will be delivered once you", "on my guest list", "approved senders list", "allowed senders list", "approved sender list",
	"to release your message", "confirm your message by", "confirmation request", "spam arrest", "spamblocker", "boxbe", "waiting list", "avant d'être remis", "vous authentifier", "bestätigen sie", "challenge/response", "to confirm delivery", "reply to this message without", "confirm this message",
}
