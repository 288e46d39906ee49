package wire

import (
	"bytes"
	"encoding/json"
	"net/http"
)

const requestIDHeader = "X-Amzn-Requestid"

// WriteError answers with e in the shape of the protocol p: status, headers
// and body. Errors of the connection are not reported: there is nobody left to
// tell. S3 answers name the host too: the header x-amz-id-2 when the caller
// has set it, the request id otherwise.
func WriteError(w http.ResponseWriter, p Protocol, requestID string, e *Error) {
	shown := *e
	if shown.Status == 0 {
		shown.Status = http.StatusInternalServerError
	}
	if shown.Code == "" {
		shown.Code = "InternalFailure"
	}
	switch p {
	case RESTXML:
		writeS3Error(w, requestID, &shown)
	case Query:
		w.Header().Set(requestIDHeader, requestID)
		_ = write(w, shown.Status, "text/xml", queryError(requestID, &shown))
	case JSON11:
		w.Header().Set(requestIDHeader, requestID)
		body := jsonError(append([]Field{{"__type", shown.Code}, {"message", shown.Message}}, shown.Fields...))
		_ = write(w, shown.Status, "application/x-amz-json-1.1", body)
	default:
		w.Header().Set(requestIDHeader, requestID)
		w.Header().Set("X-Amzn-Errortype", shown.Code)
		body := jsonError(append([]Field{{"message", shown.Message}}, shown.Fields...))
		_ = write(w, shown.Status, "application/json", body)
	}
}

func queryError(requestID string, e *Error) []byte {
	side := "Sender"
	if e.Status >= http.StatusInternalServerError {
		side = "Receiver"
	}
	var b xmlBuffer
	b.WriteString("<ErrorResponse" + xmlns(e.Namespace) + ">")
	b.open("Error")
	b.element("Type", side)
	b.element("Code", e.Code)
	b.element("Message", e.Message)
	for _, f := range e.Fields {
		b.element(f.Name, f.Value)
	}
	b.close("Error")
	b.element("RequestId", requestID)
	b.close("ErrorResponse")
	return b.Bytes()
}

func writeS3Error(w http.ResponseWriter, requestID string, e *Error) {
	host := w.Header().Get("X-Amz-Id-2")
	if host == "" {
		host = requestID
		w.Header().Set("X-Amz-Id-2", host)
	}
	w.Header().Set("X-Amz-Request-Id", requestID)
	var b xmlBuffer
	b.WriteString(xmlHeader)
	b.open("Error")
	b.element("Code", e.Code)
	b.element("Message", e.Message)
	for _, f := range e.Fields {
		b.element(f.Name, f.Value)
	}
	b.element("RequestId", requestID)
	b.element("HostId", host)
	b.close("Error")
	_ = write(w, e.Status, "application/xml", b.Bytes())
}

// jsonError writes members in their order, which a map would not keep.
func jsonError(fields []Field) []byte {
	var b bytes.Buffer
	for i, f := range fields {
		b.WriteByte("{,"[min(i, 1)])
		name, _ := json.Marshal(f.Name) // strings always marshal
		value, _ := marshal(f.Value)
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes()
}
