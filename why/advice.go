package why

import "github.com/thingpass/thingpass/trail"

// readyText says where else an engine's state is seen.
const readyText = " GET /readyz on --ops-listen names each engine that does not answer. Clients need nothing: SDKs try again on 503 SlowDown."

// causes tells what the causes mean that package trail names.
var causes = map[string]advice{
	trail.CauseEngineUnreachable: {"It was allowed, but the S3 engine {engine}, which has the bucket, cannot be reached: {reason}. Nothing was sent to it.", []string{
		"See that the engine runs, and that this machine reaches its address: endpoint= of --s3-backend, name service, firewall." + readyText}},
	trail.CauseEngineBusy: {"It was allowed, but the S3 engine {engine} has as many requests of ours as it may have at a time, and none was over within a second.", []string{
		"See why the engine is slow (thingpass_engine_seconds in /metrics), or allow it more with concurrency= of --s3-backend." + readyText}},
	trail.CauseEngineStalled: {"It was allowed, but the S3 engine {engine} took the request and then neither took nor gave a byte until its time was up: {reason}.", []string{
		"See what the engine waits for: its disks, its own log, a cluster that is not healthy." + readyText}},
	trail.CauseEngineBroke: {"It was allowed, but the connection to the S3 engine {engine} broke, or what came is no answer: {reason}. An upload that ended so is not reported as stored.", []string{
		"See whether the engine crashed or was restarted, and whether endpoint= of --s3-backend speaks S3 and not another protocol. If the reason is a certificate, name the engine's CA with ca=." + readyText}},
	trail.CauseEngineAnswered: {"It was allowed here, but the S3 engine {engine} does not take the request from us: {reason}. The caller can do nothing about it.", []string{
		"Check the keys that Thingpass has for the engine (credentials= and profile= of --s3-backend), that they may do everything in the engine's buckets, region=, and the clocks of both machines. Try the same keys on the engine itself:\n" +
			"aws --endpoint-url ENGINE-ENDPOINT --profile ENGINE-KEYS s3api head-bucket --bucket {bucket}"}},
	trail.CauseEngineKind: {"It was allowed, but the S3 engine {engine} is of a kind that is not sent such a request: {reason}.", []string{
		"Let the client use another key: without empty, . or .. segments, and for parts that are copied without a percent sign.",
		"Or: if the engine takes such keys as they are, say what it is with kind= of --s3-backend: left out, it is treated with the caution that any of them needs."}},
	trail.CauseTwoEngines: {"It was allowed, but the source of the copy is on another S3 engine than the destination, or one of them on the embedded store: no engine can read what another one has.", []string{
		"Download the object and upload it again, or let both buckets be of one engine (prefix= of --s3-backend):\naws s3 cp s3://SOURCE-BUCKET/KEY - | aws s3 cp - s3://{bucket}/KEY"}},
	trail.CauseSpoolFull: {"It was allowed, but too many bodies of unknown length wait on disk for engines: {message}", []string{
		"Let the client send the length (a file instead of a stream, or a multipart upload), or send fewer at a time. See docs/s3.md for the bounds."}},
	trail.CausePublicPolicy: {"It was allowed, but this bucket policy is public, and the bucket's public access block has BlockPublicPolicy.", []string{
		"Limit each Allow to fixed principals, or to fixed values of aws:SourceIp, aws:PrincipalArn and the like.",
		"Or: if everybody is meant, take the block away. It counts for everybody only with serve --s3-public:\naws s3api delete-public-access-block --bucket {bucket}"}},
	trail.CausePublicBucket: {"The bucket policy allows it to everybody, but the bucket's public access block has RestrictPublicBuckets: only who signs is let in.", []string{
		"Sign the request, or take the block away:\naws s3api delete-public-access-block --bucket {bucket}"}},
	trail.CauseOwner: {"It was allowed, but the client says whose bucket it expects, and it is not this installation's account: {reason}.", []string{
		"Leave out --expected-bucket-owner (x-amz-expected-bucket-owner), or send this installation's account id."}},
}

// formErrors tells what errors of POST form uploads mean, where they mean more
// than those of other requests.
var formErrors = map[string]advice{
	"AccessDenied": {"The form does not keep to the policy that was signed with it: {message}", []string{
		"Let the page send what its policy says. Each field but the signature's, policy and file needs a condition in it, the bucket too, and it must not have expired. Who makes the form signs a new policy; no IAM policy is involved."}},
	"EntityTooLarge": {"The file of the form is larger than the content-length-range of the policy that was signed with it. Nothing is stored.", []string{
		"Send a smaller file, or sign a form with a wider content-length-range."}},
	"EntityTooSmall": {"The file of the form is smaller than the content-length-range of the policy that was signed with it. Nothing is stored.", []string{
		"Send a larger file, or sign a form with a wider content-length-range."}},
	"InvalidPolicyDocument": {"The policy of the form cannot be read: {message}", []string{
		"Correct what makes the form: base64 of JSON with expiration (as 2030-01-01T00:00:00Z) and conditions."}},
	"InvalidArgument": {"A field of the form is missing or wrong: {message}", []string{
		"Correct the page. The field key must be there, before the file."}},
}

// errorCodes tells what S3's codes mean here.
var errorCodes = map[string]advice{
	"AccessForbidden": {"A browser asked beforehand whether a page of another origin may do it, and the bucket {bucket} has no CORS rule that lets it: {message}", []string{
		"See the rules. One of them must have the Origin, the method and all headers that the browser asked for, with scheme and port, and without a slash at the end of an origin:\naws s3api get-bucket-cors --bucket {bucket}",
		"Or: if there are none, make some, as docs/s3.md shows. They give no permission: the request that follows must be signed or presigned."}},
	"BadRequest": {"It is no question that a browser asks beforehand: {message}", []string{
		"Send OPTIONS with the headers Origin and Access-Control-Request-Method."}},
	"MalformedPOSTRequest": {"The form cannot be read: {message}", []string{
		"Send multipart/form-data with the file as the last field, named file."}},
	"NoSuchBucket": {"It was allowed, but there is no bucket {bucket}. (Which prefixes of bucket names an S3 engine has is said by --s3-backend; all others are the embedded store's.)", []string{
		"Correct the name that the client asks for, or make the bucket:\naws s3api create-bucket --bucket {bucket}"}},
	"NoSuchKey": {"It was allowed, but there is no such object. No policy is the cause.", []string{
		"Correct the key: it counts as it is, with upper and lower case, spaces and each slash. To see what is there:\naws s3api list-objects-v2 --bucket {bucket} --prefix {folder}"}},
	"NoSuchVersion": {"It was allowed, but the object has no such version.", []string{
		"To see those that it has:\naws s3api list-object-versions --bucket {bucket} --prefix {key}"}},
	"NoSuchUpload": {"It was allowed, but there is no such multipart upload (any more): it was completed or aborted, its age ended it (--s3-upload-age), or its id is of another key.", []string{
		"Begin the upload anew. To see those under way:\naws s3api list-multipart-uploads --bucket {bucket}"}},
	"InvalidPart": {"It was allowed, but a part that the client wants to complete the upload of was not uploaded, or has another ETag.", []string{
		"Upload the part again, and complete with the ETags that UploadPart answered:\naws s3api list-parts --bucket {bucket} --key {key} --upload-id UPLOAD-ID"}},
	"InvalidPartOrder":        {"It was allowed, but the parts to complete the upload of are not in ascending order.", []string{"Correct the client: parts by number, each once."}},
	"EntityTooSmall":          {"It was allowed, but a part other than the last is smaller than 5 MiB.", []string{"Let the client use larger parts (aws configure set s3.multipart_chunksize 16MB)."}},
	"EntityTooLarge":          {"It was allowed, but the object is larger than one request may store (5 GiB).", []string{"Use a multipart upload: aws s3 cp does."}},
	"BucketAlreadyOwnedByYou": {"It was allowed, but the bucket is there already, and it is this account's.", []string{"Nothing has to be done, unless another bucket was meant."}},
	"BucketAlreadyExists":     {"It was allowed, but the S3 engine {engine} has a bucket of this name for somebody else.", []string{"Use another name, or let the engine's keys of --s3-backend be those of the bucket's owner."}},
	"BucketNotEmpty": {"It was allowed, but the bucket is not empty: it has objects, versions, delete markers or unfinished uploads.", []string{
		"To see what is left:\naws s3api list-object-versions --bucket {bucket} --max-items 10"}},
	"PreconditionFailed":         {"It was allowed, but a condition that the client sent (If-Match, If-None-Match and the like) does not hold: the object is another one by now, or is there already.", []string{"Nothing is wrong here: that is what the client asked for. It must read again and decide."}},
	"ConditionalRequestConflict": {"It was allowed, but another write of the same key came in between.", []string{"Let the client try again."}},
	"BadDigest": {"It was allowed, but the body is not what its checksum (Content-MD5 or x-amz-checksum-…) says. Nothing of it is stored.", []string{
		"Send it again. If that fails too, look for what changes bodies on the way (a proxy that compresses), or a file that changes while it is sent."}},
	"XAmzContentSHA256Mismatch": {"It was allowed, but the body is not what the client signed (x-amz-content-sha256). Nothing of it is stored.", []string{
		"Send it again. If that fails too, look for what changes bodies on the way (a proxy that compresses), or a file that changes while it is sent."}},
	"InvalidDigest":         {"The Content-MD5 that the client sends is none.", []string{"Let the client send the base64 of the 16 bytes, or leave the header out."}},
	"InvalidChunkSizeError": {"It was allowed, but the framing of the body (aws-chunked) is broken. Nothing of it is stored.", []string{"Look for a proxy that changes bodies, or correct the client."}},
	"MalformedTrailerError": {"It was allowed, but what follows the body (its trailer) is broken. Nothing of the body is stored.", []string{"Look for a proxy that drops or changes the end of bodies, or correct the client."}},
	"IncompleteBody":        {"It was allowed, but the body ended before its announced length: the client or the connection broke off. Nothing of it is stored.", []string{"Let the client try again. If it happens often, look for a proxy with a limit or a short time-out."}},
	"MissingContentLength":  {"The client did not say how long the body is.", []string{"Let it send Content-Length, or x-amz-decoded-content-length with aws-chunked bodies."}},
	"RequestTimeout": {"It was allowed, but the client neither sent nor took a byte until its time was up. Nothing of an upload is stored.", []string{
		"Look at the client and its network; it may try again."}},
	"ClientClosedRequest": {"It was allowed, but the client closed the connection, or cancelled the request, before the answer was complete. Nothing of an upload is stored.", []string{
		"Nothing has to be done if the client meant to. If it happens often, compare the client's own time-out with how long its requests take."}},
	"InvalidRange":      {"It was allowed, but the range that the client asked for begins behind the end of the object.", []string{"Correct the client. To see how large the object is:\naws s3api head-object --bucket {bucket} --key {key}"}},
	"KeyTooLongError":   {"A key has at most 1,024 bytes in UTF-8, and this one has more.", []string{"Let the client use a shorter key."}},
	"InvalidBucketName": {"A bucket cannot have this name.", []string{"3 to 63 lower-case letters, digits, dots and dashes; beginning and ending with a letter or digit."}},
	"MalformedPolicy": {"It was allowed, but what was sent is no bucket policy: {message}", []string{
		"Correct the policy; this says what is wrong before it is sent:\nthingpass policy lint --kind resource POLICY.json"}},
	"MalformedXML":                       {"What was sent is not the document that this operation takes: {reason}.", []string{"Correct the client, or the document that it was given."}},
	"AccessControlListNotSupported":      {"ACLs other than the owner's full control are not supported on this bucket: policies decide who may do what.", []string{"Leave out --acl and --grant-…, and write what is meant into a policy of the role or the bucket."}},
	"NotImplemented":                     {"It is not a request that this server answers, though S3 has it: {message}", []string{"See docs/compatibility.md for what is. Let the client do without; no policy is involved."}},
	"MethodNotAllowed":                   {"It was allowed, but this cannot be done with it: a delete marker, for instance, cannot be read.", []string{"To see what versions there are:\naws s3api list-object-versions --bucket {bucket} --prefix {key}"}},
	"OperationAborted":                   {"It was allowed, but another request was changing the same bucket.", []string{"Let the client try again."}},
	"ServiceUnavailable":                 {"It was allowed, but the server was about to stop.", []string{"Let the client try again."}},
	"SlowDown":                           {"It was allowed, but the S3 engine {engine}, which has the bucket, cannot do it at the moment: {reason}.", []string{"See how the engine is." + readyText}},
	"IllegalLocationConstraintException": {"It was allowed, but the client wants the bucket in another region than this installation's.", []string{"Leave out --create-bucket-configuration, or set the client's region (AWS_REGION) to this installation's."}},
}
