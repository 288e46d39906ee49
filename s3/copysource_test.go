package s3_test

import "testing"

// TestCopySourceKey: a policy names the source of a copy as AWS's example does
// ("Bucket policy examples using condition keys", PutObject with a restriction on
// the copy source), however the header spells it.
func TestCopySourceKey(t *testing.T) {
	w := newWorld(t)
	a := w.admin
	w.want(a, "PUT /copies", "", 200, "")
	for _, key := range []string{"public/a", "private/a"} {
		w.want(a, "PUT /copies/"+key, "x", 200, "")
	}
	w.want(a, "PUT /copies?policy", `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:PutObject",
		"Resource":"arn:aws:s3:::copies/*","Condition":{"StringNotLike":{"s3:x-amz-copy-source":"copies/public/*"}}}]}`, 204, "")
	for source, status := range map[string]int{
		"copies/public/a": 200, "/copies/public/a": 200, "/copies/%70ublic%2Fa": 200,
		"copies/private/a": 403, "/copies/private/a": 403, "/copies/%70rivate/a": 403, "copies/public/../private/a": 403,
	} {
		code := map[int]string{403: "AccessDenied"}[status]
		if source == "copies/public/../private/a" { // a key of its own, which there is not
			status, code = 404, "NoSuchKey"
		}
		w.want(a, "PUT /copies/to", "", status, code, "X-Amz-Copy-Source", source)
	}
	w.want(a, "PUT /copies/to", "x", 403, "AccessDenied")
}
