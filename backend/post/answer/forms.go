package answer

import (
	"regexp"
	"strings"
)

// This file holds the forms in which mail programs write, by language. A form that is not certain is not here: what is
// not known is kept.

// prefixed are attributions that begin with a word of their own, so that they can be followed over several lines.
var prefixed = []*regexp.Regexp{
	regexp.MustCompile(`^On\s.+\swrote:$`),
	regexp.MustCompile(`^(El|En|A las)\s.+\s(escribió|escribio):$`),
	regexp.MustCompile(`^Le\s.+\sa écrit\s?:$`),
	regexp.MustCompile(`^Am\s.+\s(schrieb|hat)\s?.*:$`),
	regexp.MustCompile(`^(Em|A|No dia)\s.+\sescreveu:$`),
	regexp.MustCompile(`^(Il|In data|Il giorno)\s.+\sha scritto:$`),
	regexp.MustCompile(`^Op\s.+\s(schreef|het volgende geschreven).*:$`),
	regexp.MustCompile(`^(Den|På)\s.+\sskrev.*:$`),
	regexp.MustCompile(`^(W dniu|Dnia)\s.+\s(napisał|napisała|napisał\(a\)|pisze):$`),
	regexp.MustCompile(`^Vào\s.+\sđã viết:$`),
}

// single are attributions of one line, or two where an address was broken off.
var single = []*regexp.Regexp{
	regexp.MustCompile(`^.{1,120}\s(wrote|escribió|a écrit\s?|schrieb|escreveu|ha scritto|schreef|skrev|napisał\(a\)|пишет|написал\(а\)|пише):$`),
	regexp.MustCompile(`^.{1,120}\s(wrote|escribió|schrieb) (on|el|am)\s.{4,80}:$`),
	regexp.MustCompile(`^.{1,160}(写道|寫道|님이 작성|のメール|さんは書きました)\s?[:：]$`),
	regexp.MustCompile(`^\d{4}年\d{1,2}月\d{1,2}日.{0,200}[:：]$`),
	regexp.MustCompile(`^\d{4}년 \d{1,2}월 \d{1,2}일.{0,200}[:：]$`),
}

// loose are sentences that introduce a quote only where marks follow.
var loose = []*regexp.Regexp{
	regexp.MustCompile(`^.{0,120}<?\S+@\S+>?.{0,80}\d{1,2}:\d{2}.{0,40}:$`),
	regexp.MustCompile(`^.{0,120}\d{1,2}:\d{2}.{0,120}<\S+@\S+>:$`),
}

var (
	leads    = regexp.MustCompile(`^(On|El|En|A las|Le|Am|Em|A|No dia|Il|In data|Op|Den|På|W dniu|Dnia|Vào)\s`)
	runsOn   = regexp.MustCompile(`^(On|El)\s.{8,200}<\S+@\S+>\s(wrote|escribió):\s{2,}\S`) // Yahoo's apps go on in the same line
	dated    = regexp.MustCompile(`\d{4}|\d{1,2}[./-]\d{1,2}[./-]\d{2}`)
	timed    = regexp.MustCompile(`\d{1,2}[:.h]\d{2}`)
	mailed   = regexp.MustCompile(`[<\[(]?\S+@\S+\.\S+`)
	byMyself = regexp.MustCompile(`(?i)\b(I|he|she|they|we|you|doctor|nurse|yo|él|ella|me)\s+(wrote|escribió|escribi):$`)
)

// attribution counts the lines, from one on, of a sentence that says who wrote what follows. It is strong where it names
// a time or an address so that it needs no marks after it.
func attribution(lines []line, at int) (n int, strong bool) {
	depth := lines[at].depth
	joined := ""
	leading := leads.MatchString(strings.TrimSpace(lines[at].body))
	for n = 1; n <= 4 && at+n <= len(lines); n++ {
		l := lines[at+n-1]
		body := strings.TrimSpace(l.body)
		if body == "" || l.depth != depth || len(joined)+len(body) > 500 {
			break
		}
		if n > 1 && (leads.MatchString(body) && leading && strings.ContainsAny(body, "0123456789") || !strings.ContainsAny(lines[at].body, "0123456789<@")) {
			break
		}
		joined = strings.TrimSpace(joined + " " + body)
		if n == 1 && runsOn.MatchString(body) {
			return 1, true
		}
		if inner := strings.Trim(joined, "-‐ "); strings.HasPrefix(joined, "--") && strings.HasSuffix(joined, "--") && inner != "" {
			joined = strings.TrimSuffix(inner, ":") + ":" // Zoho and iNotes draw a rule around it
			leading = leads.MatchString(joined)
		}
		if last := joined[len(joined)-1]; last != ':' && !strings.HasSuffix(joined, "：") {
			continue
		}
		match := false
		if leading {
			match = matchesAny(prefixed, joined)
		}
		vague := false
		if !match && (n == 1 || n == 2 && strings.Contains(lines[at].body, "<")) {
			match = matchesAny(single, joined)
			if !match {
				match, vague = matchesAny(loose, joined), true
			}
		}
		if match && byMyself.MatchString(joined) {
			return 0, false
		}
		if match {
			strong = !vague && (mailed.MatchString(joined) && (dated.MatchString(joined) || timed.MatchString(joined)) || dated.MatchString(joined) && timed.MatchString(joined))
			return n, strong
		}
		return 0, false // a sentence that ends so, but says something else
	}
	return 0, false
}

func matchesAny(forms []*regexp.Regexp, s string) bool {
	for _, f := range forms {
		if f.MatchString(s) {
			return true
		}
	}
	return false
}

// key is what a line of a header block tells.
type key int

const (
	sender key = iota + 1
	date
	recipient
	copied
	subject
)

var keys = map[string]key{}

func init() {
	for k, names := range map[key]string{
		sender:    "from,de,von,da,van,od,från,fra,от,发件人,發件人,寄件者,差出人,보낸 사람,từ",
		date:      "sent,date,enviado,enviado el,fecha,envoyé,date d'envoi,gesendet,datum,enviada em,enviado em,data,inviato,verzonden,skickat,sendt,wysłano,отправлено,дата,发送时间,發送時間,已傳送,日期,送信日時,日付,보낸 날짜,ngày",
		recipient: "to,para,à,an,a,aan,do,till,til,кому,收件人,宛先,받는 사람,đến",
		copied:    "cc,bcc,importance,reply-to,priority,importancia,copie à,kopie,копия,抄送,副本",
		subject:   "subject,asunto,objet,betreff,assunto,oggetto,onderwerp,ämne,emne,temat,тема,主题,主旨,件名,제목,chủ đề",
	} {
		for _, n := range strings.Split(names, ",") {
			keys[n] = k
		}
	}
}

func keyOf(body string) (k key, value string) {
	name, value, ok := strings.Cut(strings.ReplaceAll(body[:min(len(body), 500)], "：", ":"), ":")
	if !ok || len(name) > 40 {
		return 0, ""
	}
	return keys[strings.ToLower(strings.Trim(name, " *\u00a0\t"))], strings.Trim(value, " *")
}

// headerBlock counts the lines, from one on, of a block of From, Sent, To and Subject, in any order and with lines that
// were wrapped.
func headerBlock(lines []line, at int) int {
	depth := lines[at].depth
	if k, _ := keyOf(lines[at].body); k == 0 {
		return 0
	}
	seen := map[key]bool{}
	when, who, last, wraps := false, false, at, 0
	for i := at; i < len(lines) && i < at+16; i++ {
		l := lines[i]
		if l.depth != depth {
			break
		}
		if l.blank() {
			if seen[subject] {
				break
			}
			continue
		}
		k, value := keyOf(l.body)
		if k == 0 {
			if wraps++; wraps > 2 || seen[subject] && seen[sender] && seen[date] && seen[recipient] {
				break
			}
			continue
		}
		if seen[k] && k != copied {
			break
		}
		wraps = 0
		seen[k] = true
		when = when || k == date && (dated.MatchString(value) || timed.MatchString(value))
		who = who || k == sender && value != ""
		last = i
	}
	delete(seen, copied)
	if len(seen) < 3 || !when || !who {
		return 0
	}
	return last + 1 - at
}

var (
	ruled    = regexp.MustCompile(`^(_{5,}|-{5,}|={5,}|\*{5,}|—{3,})$`)
	original = regexp.MustCompile(`(?i)^[-_‐]{2,}\s*(original message|original appointment|reply message|mensaje original|message d'origine|message original|ursprüngliche nachricht|` +
		`originalnachricht|mensagem original|messaggio originale|oorspronkelijk bericht|ursprungligt meddelande|original meddelelse|oprindelig meddelelse|wiadomość oryginalna|исходное сообщение|原始邮件|原始郵件|オリジナルメッセージ|원본 메일|` +
		`original-nachricht)\s*[-_‐]{2,}`)
	passed = regexp.MustCompile(`(?i)^([-_]{2,}\s*(forwarded message|mensaje reenviado|message transféré|weitergeleitete nachricht|mensagem encaminhada|messaggio inoltrato|doorgestuurd bericht|forwarded by .*)\s*[-_]{2,}.*|` +
		`begin forwarded message:|inicio del mensaje reenviado:|début du message transféré\s?:|anfang der weitergeleiteten nachricht:)$`)
	below = regexp.MustCompile(`(?i)\b(see|answers?|answered|repl(y|ies|ied)|comments?|respon(se|ses|ded)|written|wrote)\b.{0,40}\b(below|in-?line|in (red|blue|green|bold|caps|capitals)|within|underneath)\b|\bin-?line\b|` +
		`\b(below|in (red|blue|green))\b.{0,30}\b(answers?|repl(y|ies)|comments?)\b|` +
		`(respuestas?|contest[oóé]|respond[oíi]|respondid[oa]s?|comentarios?).{0,40}(abajo|debajo|en (rojo|azul|verde|negrita|mayúsculas)|entre l[ií]neas|más abajo)|(abajo|debajo|en (rojo|azul|verde)).{0,30}(respuestas?|contesto|respondo)`)
)

// A device's line names a device or a mail program and nothing else.
const devices = `(iphone|ipad|ipod|ios|mac|macbook|android|samsung|galaxy|huawei|xiaomi|redmi|poco|oppo|vivo|motorola|moto|pixel|google|oneplus|nokia|lg|htc|sony|xperia|blackberry|windows|outlook|hotmail|office|mail|` +
	`email|e-mail|correo|courrier|yahoo|aol|gmail|proton|protonmail|spark|superhuman|k-9|k9|fairemail|zoho|verizon|wireless|4g|5g|lte|t-mobile|at&t|sprint|apple|bluemail|blue|aqua|aquamail|nine|edison|gmx|web\.de|canary|mymail|icloud|thunderbird|` +
	`mobile|móvil|movil|celular|teléfono|telefono|phone|smartphone|tablet|tableta|device|dispositivo|app|aplicación|handy|mobilgerät|téléphone|appareil|telefoon|telemóvel|telefone|claro|movistar|telcel|tigo|personal|` +
	`ultra|plus|pro|max|mini|note|fold|flip|edge|lite|tab|se|powered|network|red|phablet|secure|seguro|version|client|[a-z]{0,3}\d{1,3}[a-z]{0,2}|[A-Z]{2}-[A-Z]?\d+[A-Z]*)`
const glue = `(my|mi|mon|ma|mein|meinem|meiner|meu|minha|mijn|mio|the|el|la|los|an|a|un|una|all|new|nuevo|nueva|for|para|pour|für|per|voor|on|en|sur|auf|in|from|desde|de|del|by|with|con|using|via|und|and|y|&|-|–|,)`

var (
	device = regexp.MustCompile(`(?i)^[*_>\s]*(((sent|envoyé|enviado|inviato|gesendet|verstuurd|verzonden|wysłane|sendt|skickat|get|obtener|obtén|obtenga|obtenez|télécharger|descargar|holen sie sich|download|scarica|scaricare|obter|obtenha)\b(\s+securely|\s+depuis|\s+vanaf|\s+via|\s+da|\s+do|\s+dal|\s+von|\s+z|\s+fra|\s+från|\s+with|\s+from)?` +
		`(\s+` + glue + `)*(\s+` + glue + `|\s+` + devices + `(['’]s)?)*\s+` + devices + `(\.? please excuse my brevity)?)|` +
		`von meinem? ` + devices + `(\s` + devices + `)* gesendet|` + devices + ` für (ios|android) beziehen|iphoneから送信|ipadから送信|发自我的\s?(iphone|ipad)|發自我的\s?(iphone|ipad)|отправлено с (iphone|ipad)|отправлено из .{1,30}|` +
		`yahoo mail: (search, organize, conquer|busca, organiza, conquista)|yahoo mail\s*: .{3,40})` +
		`[*_.\s]*$`)
	superhuman = regexp.MustCompile(`(?i)^sent (via|with|using) (superhuman|spark|missive|hey|mailspring|front|shortwave|notion mail|mixmax|boomerang|streak)( mail)?\W*$`)

	ticket = regexp.MustCompile(`^(\[?ref:_?[0-9A-Za-z._]{8,}:ref\]?|\{#HS:[0-9-]+#\}|\[[A-Z0-9]{4,8}-[A-Z0-9]{4,8}\]|##-.{5,120}-##|\[~?~?#?ticket[:# ]*\d+~?~?\])$`)

	postscript = regexp.MustCompile(`^(P\. ?[SD]\.?|PS|PD|NB|N\. ?B\.?)[\s:.,-]`)
	sentence   = regexp.MustCompile(`^\S+(\s+\S+){3,}[.!…]$`)

	mailingList = regexp.MustCompile(`(?i)\bmailing list$`)

	linkText = regexp.MustCompile(`(?i)[<(\[]?\s*(https?://|www\.|mailto:)[^\s>)\]]*\s*[>)\]]?|\[(image|imagen|cid|bild|logo)\b[^\]]*\]`)

	opensDisclaimer = regexp.MustCompile(`(?i)^[\s*_"'(-]*(confidentiality( notice| note| statement)?\b|confidential(ity)?\s*:|notice of confidentiality|privileged and confidential|disclaimer|legal (notice|disclaimer)|important( notice)?\s*:|privacy notice|hipaa\b|` +
		`(this|the) (e-?mail|message|communication|electronic (mail|message)|transmission)\b|(the )?information (contained )?in this (e-?mail|message|communication|transmission)|if you (are not|have received)|` +
		`aviso (legal|de confidencialidad|de privacidad)|confidencialidad\b|cláusula de confidencialidad|nota de confidencialidad|(este|el presente) (mensaje|correo|e-?mail)|la información (contenida|incluida)|` +
		`ce (message|courriel|mail)|diese (e-?mail|nachricht)|esta mensagem|questo messaggio|` +
		`(please )?(consider|think)|antes de imprimir|por favor,? (piense|considere)|\W{0,3}(please )?(consider|think) )`)
	disclaimerWords = regexp.MustCompile(`(?i)confidential|confidencial|privileged|privilegiad|intended (solely|only|recipient|for)|addressee|destinatari|recipient|unauthori[sz]ed|no autorizad|disclos|divulga|dissemin|distribut|distribuc|prohibit|prohibid|` +
		`in error|por error|delete|elimin|bórre|notify|notifi|attachments|adjunt|copying|copia|vertraulich|vertraulichen|confidentiel|destinataire|empfänger`)
	addressed   = regexp.MustCompile(`(?i)recipient|addressee|destinatari|destinataire|empfänger|intended (solely|only|for)|sole use of|uso exclusivo|dirigid[oa]s? (a|exclusivamente|únicamente)`)
	scannerLink = regexp.MustCompile(`(?i)^(<https?://(www\.)?(avast|avg)\.com/[^>]*>|(https?://)?www\.(avast|avg)\.com/?|<#[0-9A-F-]{36}>)$`)
	environment = regexp.MustCompile(`(?i)^\W{0,4}(please )?(consider|think (about|of)) the environment before printing.{0,60}$|^\W{0,4}antes de imprimir (este|el) (mensaje|correo|e-?mail).{0,160}$|^\W{0,4}(por favor,? )?(piense|considere) (en )?el medio ?ambiente antes de imprimir.{0,80}$`)
	scanner     = regexp.MustCompile(`(?i)^\W{0,4}(this (e-?mail|message) (has been|was) (checked|scanned) (for viruses )?by (avast|avg|norton|mcafee|eset|kaspersky|mailscanner|bitdefender|f-secure|sophos)|` +
		`(virus-free|libre de virus|sin virus|virenfrei|garanti sans virus)\.?\s*(www\.)?[<(]?(https?://\S*)?(avast|avg|www\.avast|www\.avg)?|el software de antivirus (avast|avg) ha analizado este|este (correo|mensaje).{0,40}(analizado|comprobado|verificado).{0,40}(avast|avg|eset|norton|mailscanner)|` +
		`(avast|avg) logo|checked by avg - www\.avg\.com|no virus found in this message|__________ information from eset)`)
)

// deviceWord spares most lines the large expressions: those that begin and name nothing that such a line could.
func deviceWord(body string) bool {
	lower := strings.ToLower(strings.TrimLeft(body, "*_> "))
	for _, start := range []string{"sent", "get", "env", "inv", "ges", "ver", "wys", "ski", "sen", "obt", "té", "des", "hol", "dow", "sca", "von", "yahoo"} {
		if strings.HasPrefix(lower, start) {
			return true
		}
	}
	return strings.Contains(lower, "iphone") || strings.Contains(lower, "ipad") || strings.Contains(lower, "ios") || strings.Contains(lower, "android") || strings.HasPrefix(lower, "отправлено")
}

var unbracket = strings.NewReplacer("[", "", "]", "")

func deviceLine(body string) bool {
	if len(body) > 300 {
		return false
	}
	body = strings.TrimSpace(unbracket.Replace(linkText.ReplaceAllString(body, " ")))
	return body != "" && len(body) <= 120 && deviceWord(body) && (device.MatchString(body) || superhuman.MatchString(body))
}

// disclaims reports whether a paragraph is one that companies and scanners add.
func disclaims(lines []line) bool {
	var b strings.Builder
	for _, l := range lines {
		if b.Len() > 4000 {
			return false
		}
		b.WriteString(l.body + " ")
	}
	text := strings.TrimSpace(b.String())
	if environment.MatchString(text) || len(text) < 200 && scanner.MatchString(text) {
		return true
	}
	if !opensDisclaimer.MatchString(text) || !addressed.MatchString(text) || len(text) < 100 {
		return false
	}
	said := map[string]bool{}
	for _, m := range disclaimerWords.FindAllString(text, 40) {
		said[strings.ToLower(m)] = true
	}
	return len(said) >= 3
}
