package frontend

import (
	"bytes"
	"encoding/base64"
	"image"
	_ "image/gif" // the sizes of pictures are read here, and the pictures by the browser
	_ "image/jpeg"
	_ "image/png"
	"net/http"
	"strconv"

	"postern/backend/care"
	"postern/backend/record/view"
	"postern/frontend/parts"
	"postern/frontend/respond"
	"postern/frontend/seat"
)

// saveFile hands a file of a conversation over, as saveCopy does a conversation: whatever it is, it is bytes to be kept, and never a page of
// ours. That it leaves is recorded before it does.
func (s *server) saveFile(w http.ResponseWriter, r *http.Request) {
	part, file, err := fileOf(r)
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	s.handOver(w, r, file.Name, func() ([]byte, error) { return file.Bytes, seat.From(r.Context()).Desk().Copied(r.Context(), part) })
}

// maxPixels is how large a picture may be drawn: one of few bytes may need more memory than there is.
const maxPixels = 64_000_000

// showFile draws a picture into the page, as data of it: what the page asks for by itself shows no ticket. Only what its bytes say is a
// picture, and of a size that can be drawn, is.
func (s *server) showFile(w http.ResponseWriter, r *http.Request) {
	_, file, err := fileOf(r)
	if err == nil {
		size, _, unread := image.DecodeConfig(bytes.NewReader(file.Bytes))
		if !file.Picture() || unread != nil || size.Width*size.Height > maxPixels {
			err = care.Refusef(care.Invalid, "This picture cannot be shown here. You can save it.")
		}
	}
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	respond.HTML(w, r, parts.Picture(file.Name, "data:"+file.Kind+";base64,"+base64.StdEncoding.EncodeToString(file.Bytes)))
}

// fileOf is the file that a request names, and its conversation.
func fileOf(r *http.Request) (part care.EventID, file view.Content, err error) {
	part, err = care.ParseEventID(r.PathValue("part"))
	item, unread := care.ParseEventID(r.PathValue("item"))
	n, odd := strconv.Atoi(r.PathValue("n"))
	if err != nil || unread != nil || odd != nil {
		return part, file, care.Refusef(care.NotFound, "There is no such file.")
	}
	file, err = seat.From(r.Context()).Views().File(r.Context(), part, item, n)
	return part, file, err
}
