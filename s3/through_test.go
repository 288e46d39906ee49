package s3_test

import (
	"net/url"
	"os"
	"testing"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/thingtest"
	"github.com/thingpass/thingpass/upstream"
)

// throughEngine names a variable of the environment: the kind of engine that a
// world's buckets are on. Another server's embedded store is that engine.
const throughEngine = "THINGPASS_TEST_S3_ENGINE"

// through puts a world in front of an engine if the test is run by
// TestThroughEngine.
func through(t *testing.T) []upstream.Config {
	t.Helper()
	kind := os.Getenv(throughEngine)
	if kind == "" {
		return nil
	}
	engine, err := thingtest.Start(t.Context(), thingtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	endpoint, err := url.Parse(engine.APIURL())
	if err != nil {
		t.Fatal(err)
	}
	cfg := upstream.Config{
		Name: "engine", Endpoint: endpoint, Region: "us-east-1", Kind: upstream.Kind(kind), Roots: engine.CAs,
		AccessKeyID: engine.Env.AccessKeyID, SecretKey: thingpass.NewSecret(engine.Env.SecretAccessKey.Reveal()),
	}
	return []upstream.Config{cfg}
}

// TestThroughEngine runs the tests of the embedded store once more with the
// store behind another server: nothing may be lost on the way, but checksums
// where the engine is said to take no trailers.
func TestThroughEngine(t *testing.T) {
	checksums := map[string]func(*testing.T){"BadBodies": TestBadBodies, "Multipart": TestMultipart}
	others := map[string]func(*testing.T){
		"Buckets": TestBuckets, "Configuration": TestConfiguration, "Objects": TestObjects, "Fence": TestFence,
		"DeleteObjects": TestDeleteObjects, "DeleteObjectsTellsNothing": TestDeleteObjectsTellsNothing, "AuthType": TestAuthType,
		"Copy": TestCopy, "OddKeys": TestOddKeys, "Listing": TestListing, "Presigned": TestPresigned,
		"RevokedWhileUploading": TestRevokedWhileUploading,
	}
	spellings := map[string]func(*testing.T){
		"CompositeChecksums": TestCompositeChecksums, "ETags": TestETags, "CopySources": TestCopySources, "EmptyRanges": TestEmptyRanges,
		"FramingHasNoCase": TestFramingHasNoCase, "CopyRanges": TestCopyRanges, "FormChecksums": TestFormChecksums,
		"CompletedAgain": TestCompletedAgain, "UploadChecksums": TestUploadChecksums,
	}
	t.Setenv(throughEngine, string(upstream.AWS))
	for _, tests := range []map[string]func(*testing.T){checksums, others, spellings} {
		for name, test := range tests {
			t.Run(name, test)
		}
	}
	t.Setenv(throughEngine, string(upstream.Ceph))
	t.Run("without trailers", TestObjects)
	t.Setenv(throughEngine, string(upstream.Other))
	for name, test := range spellings {
		t.Run(name, test)
	}
}
