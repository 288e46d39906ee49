package s3clients

import (
	"os"
	"path/filepath"
	"testing"
)

// TestInstalled: Node.js without the libraries of its client is not that
// client, nor is one library of three.
func TestInstalled(t *testing.T) {
	root := t.TempDir()
	here := filepath.Join(root, "s3clients")
	if err := os.Mkdir(here, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Chdir(here)
	for _, library := range []string{"client-s3", "lib-storage", "s3-request-presigner"} {
		if installed(npmInstall) {
			t.Fatalf("it is taken for installed without %s", library)
		}
		dir := filepath.Join(root, "clients", "node_modules", "@aws-sdk", library)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "package.json"), []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if !installed(npmInstall) {
		t.Error("all libraries are there, and it is not taken for installed")
	}
}
