package server

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/thingpass/thingpass/session"
	"github.com/thingpass/thingpass/store"
)

// A backup is a gzipped tar archive. Its first member is the manifest, which
// lists the others with their sums. Objects are not in it.
const (
	backupManifest = "backup.json"
	backupFormat   = 1

	// maxBackupFile bounds the members but the database, in bytes.
	maxBackupFile = 1 << 20
)

// Manifest is what a backup says of itself.
type Manifest struct {
	Format  int               `json:"format"`
	Account string            `json:"account"`
	Region  string            `json:"region"`
	Taken   time.Time         `json:"taken"`
	Dir     string            `json:"dir"`               // the data folder that it is of
	Without []string          `json:"without,omitempty"` // what of the installation is not in it
	Files   map[string]string `json:"files"`             // SHA-256 in hex, by name
}

// backupFiles are what a backup may hold besides the manifest; those of the
// first list it must.
func backupFiles() (needed, optional []string) {
	return []string{fileInstallation, fileKeyRing, fileDeviceCA, fileDeviceCAKey},
		[]string{fileCA, fileCAKey, fileServerCert, fileServerKey, fileRSACA, fileRSACAKey, fileRSACert, fileRSAKey, fileAdminEnv}
}

// Backup writes the installation but its objects to a new file, mode 0600. A
// running server does not notice. A PostgreSQL database is not in it.
func (i *Installation) Backup(ctx context.Context, file string, now time.Time) (m Manifest, err error) {
	out, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return m, fmt.Errorf("back up to %s: %w", file, err)
	}
	defer func() {
		if err = errors.Join(err, out.Close()); err != nil {
			err = errors.Join(fmt.Errorf("back up to %s: %w", file, err), os.Remove(file))
		}
	}()
	temporary, err := os.MkdirTemp(filepath.Dir(file), ".thingpass-backup-") // mode 0700
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temporary)) }()
	m = Manifest{Format: backupFormat, Account: i.Account, Region: i.Region, Taken: now.UTC(), Dir: i.dir, Without: []string{dirObjects}, Files: map[string]string{}}
	members, err := i.gather(ctx, temporary, &m)
	if err != nil {
		return m, err
	}
	if err := writeArchive(out, m, members); err != nil {
		return m, err
	}
	if err := out.Sync(); err != nil {
		return m, err
	}
	return m, syncDir(filepath.Dir(file))
}

// member is one file of an archive.
type member struct{ name, path string }

// gather copies what a backup holds into a folder, and lists it.
func (i *Installation) gather(ctx context.Context, folder string, m *Manifest) (members []member, err error) {
	if i.Database != "" {
		m.Without = append(m.Without, "database")
	} else {
		copied := filepath.Join(folder, fileDatabase)
		if err := store.Backup(ctx, i.path(fileDatabase), copied); err != nil {
			return nil, err
		}
		if m.Files[fileDatabase], err = sumOf(copied); err != nil {
			return nil, err
		}
		members = append(members, member{fileDatabase, copied})
	}
	needed, optional := backupFiles()
	for n, name := range append(needed, optional...) {
		raw, err := os.ReadFile(i.path(name))
		if errors.Is(err, os.ErrNotExist) && n >= len(needed) {
			continue
		}
		if err != nil {
			return nil, err
		}
		copied := filepath.Join(folder, hex.EncodeToString([]byte(name)))
		if err := os.WriteFile(copied, raw, 0o600); err != nil {
			return nil, err
		}
		if m.Files[name], err = sumOf(copied); err != nil {
			return nil, err
		}
		members = append(members, member{name, copied})
	}
	return members, nil
}

func sumOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), errors.Join(err, f.Close())
}

func writeArchive(out io.Writer, m Manifest, members []member) error {
	zipped := gzip.NewWriter(out)
	archive := tar.NewWriter(zipped)
	raw, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := archive.WriteHeader(&tar.Header{Name: backupManifest, Mode: 0o600, Size: int64(len(raw)), ModTime: m.Taken}); err != nil {
		return err
	}
	if _, err := archive.Write(raw); err != nil {
		return err
	}
	for _, one := range members {
		f, err := os.Open(one.path)
		if err != nil {
			return err
		}
		info, err := f.Stat()
		if err == nil {
			err = archive.WriteHeader(&tar.Header{Name: one.name, Mode: 0o600, Size: info.Size(), ModTime: m.Taken})
		}
		if err == nil {
			_, err = io.Copy(archive, f)
		}
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return errors.Join(archive.Close(), zipped.Close())
}

// Restore makes an installation in a new or empty folder out of a backup. It
// leaves nothing in the folder when it fails.
func Restore(ctx context.Context, dir, file string) (m Manifest, err error) {
	if dir, err = filepath.Abs(dir); err != nil {
		return m, err
	}
	in, err := os.Open(file)
	if err != nil {
		return m, err
	}
	defer func() { _ = in.Close() }()
	if err := claim(dir); err != nil {
		return m, err
	}
	if m, err = restore(ctx, dir, in); err != nil {
		return m, errors.Join(fmt.Errorf("restore %s: %w", file, err), empty(dir))
	}
	return m, os.Remove(filepath.Join(dir, fileLock))
}

func restore(ctx context.Context, dir string, in io.Reader) (m Manifest, err error) {
	zipped, err := gzip.NewReader(in)
	if err != nil {
		return m, errors.New("it is no backup of thingpass backup")
	}
	archive := tar.NewReader(zipped)
	first, err := archive.Next()
	if err != nil || first.Name != backupManifest || first.Size > maxBackupFile {
		return m, errors.New("it is no backup of thingpass backup")
	}
	if err := json.NewDecoder(io.LimitReader(archive, maxBackupFile)).Decode(&m); err != nil {
		return m, errors.New("what it says of itself cannot be read")
	}
	if m.Format != backupFormat {
		return m, fmt.Errorf("it has format %d, and this program knows %d", m.Format, backupFormat)
	}
	inst := &Installation{dir: dir}
	held, err := inst.extract(archive, m)
	if err != nil {
		return m, err
	}
	// What is behind the archive's end belongs to the sum of gzip.
	if _, err := io.Copy(io.Discard, zipped); err != nil {
		return m, fmt.Errorf("it is cut off or damaged: %w", err)
	}
	for name := range m.Files {
		if _, ok := held[name]; !ok {
			return m, fmt.Errorf("%s is missing in it", name)
		}
	}
	return m, inst.settle(ctx, m, held[fileInstallation])
}

// extract writes the members of an archive but installation.json, which makes a
// folder an installation.
func (i *Installation) extract(archive *tar.Reader, m Manifest) (map[string][]byte, error) {
	needed, optional := backupFiles()
	known := append(append(needed, optional...), fileDatabase)
	held := map[string][]byte{}
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return held, nil
		}
		if err != nil {
			return nil, fmt.Errorf("it is cut off or damaged: %w", err)
		}
		if _, twice := held[h.Name]; twice || !slices.Contains(known, h.Name) || h.Typeflag != tar.TypeReg {
			return nil, fmt.Errorf("%q has no place in it", h.Name)
		}
		if h.Name != fileDatabase && h.Size > maxBackupFile {
			return nil, fmt.Errorf("%s is too large", h.Name)
		}
		sum := sha256.New()
		held[h.Name] = nil
		if h.Name == fileInstallation {
			held[h.Name], err = io.ReadAll(io.TeeReader(archive, sum))
		} else {
			err = i.writeFrom(h.Name, io.TeeReader(archive, sum))
		}
		if err != nil {
			return nil, err
		}
		if got := hex.EncodeToString(sum.Sum(nil)); got != m.Files[h.Name] {
			return nil, fmt.Errorf("%s is not as it was backed up", h.Name)
		}
	}
}

// writeFrom is write for what is too large to hold.
func (i *Installation) writeFrom(name string, from io.Reader) error {
	if err := i.folderOf(name); err != nil {
		return err
	}
	f, err := os.OpenFile(i.path(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	return errors.Join(err, f.Sync(), f.Close(), syncDir(filepath.Dir(i.path(name))))
}

// settle checks what was restored, and makes the folder an installation.
func (i *Installation) settle(ctx context.Context, m Manifest, raw []byte) error {
	if raw == nil {
		return fmt.Errorf("%s is missing in it", fileInstallation)
	}
	if err := json.Unmarshal(raw, i); err != nil {
		return fmt.Errorf("read %s: %w", fileInstallation, err)
	}
	if _, err := session.LoadRing(i.path(fileKeyRing)); err != nil {
		return err
	}
	if err := i.checkPair(fileDeviceCA, fileDeviceCAKey); err != nil {
		return err
	}
	if i.Database == "" {
		if err := store.Check(ctx, i.path(fileDatabase)); err != nil {
			return err
		}
		db, err := store.Open(ctx, i.dsn(), i.Place())
		if err != nil {
			return err
		}
		if err := db.Close(); err != nil {
			return err
		}
	}
	if err := i.moved(m.Dir); err != nil {
		return err
	}
	return i.write(fileInstallation, raw, 0o600)
}

// moved has admin.env name the CA in this folder, if it named the one in the
// folder that the backup is of.
func (i *Installation) moved(from string) error {
	if i.absent(fileAdminEnv) {
		return nil
	}
	raw, err := os.ReadFile(i.path(fileAdminEnv))
	if err != nil {
		return err
	}
	f := &envFile{lines: linesOf(string(raw))}
	if f.get(envCA) != filepath.Join(from, fileCA) {
		return nil
	}
	f.set(envCA, i.path(fileCA))
	return replaceFile(i.path(fileAdminEnv), []byte(f.text()), 0o600)
}
