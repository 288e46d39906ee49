package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/identity"
	"github.com/thingpass/thingpass/objects"
	"github.com/thingpass/thingpass/session"
	"github.com/thingpass/thingpass/store"
)

// A Part is one of the things that a data folder holds, as Parts found it.
type Part struct {
	Name    string   // what --remake takes
	Files   []string // below the data folder, all of which are the part
	Gone    []string // those that are not there
	Damaged string   // what is wrong with what is there, "" for nothing
	Meaning string   // what remaking it means
}

// Whole reports whether nothing is wrong with the part.
func (p Part) Whole() bool { return len(p.Gone) == 0 && p.Damaged == "" }

// Remakable reports whether Remake can make the part: all of it is gone.
func (p Part) Remakable() bool { return len(p.Gone) > 0 && len(p.Gone) == len(p.Files) }

// The names of parts.
const (
	PartKeyRing  = "keyring"
	PartServerCA = "server-ca"
	PartServer   = "server-certificate"
	PartDeviceCA = "device-ca"
	PartObjects  = "objects"
	PartDatabase = "database"
	PartAdminEnv = "admin.env"
)

// partKind is how a part is looked at and made.
type partKind struct {
	name    string
	files   []string
	meaning string
	check   func(*Installation) error // of a part that is all there
	remake  func(context.Context, *Installation, time.Time) error
}

func partKinds() []partKind {
	pair := serverPairs()[0]
	return []partKind{
		{PartKeyRing, []string{fileKeyRing}, "all sessions end: every device is refused once and fetches new credentials, and users of AssumeRole ask again",
			func(i *Installation) error { _, err := session.LoadRing(i.path(fileKeyRing)); return err },
			func(_ context.Context, i *Installation, now time.Time) error {
				return session.CreateRing(i.path(fileKeyRing), now)
			}},
		{PartServerCA, []string{pair.ca, pair.caKey}, "a new CA: every device and client must be given the new tls/ca.pem, and refuses the server's next certificate until then",
			func(i *Installation) error { return i.checkPair(pair.ca, pair.caKey) },
			func(_ context.Context, i *Installation, now time.Time) error {
				return i.createServerCA(pair, now)
			}},
		{PartServer, []string{pair.cert, pair.key}, "a new certificate by the CA in tls/, with the names of installation.json: who trusts that CA notices nothing; it replaces none of another CA, which has to be put back by hand",
			func(i *Installation) error { return i.checkPair(pair.cert, pair.key) }, remakeServer},
		{PartDeviceCA, []string{fileDeviceCA, fileDeviceCAKey}, "a new CA for certificates that are made from now on: those made before stay valid, because they are registered",
			func(i *Installation) error { return i.checkPair(fileDeviceCA, fileDeviceCAKey) }, remakeDeviceCA},
		{PartObjects, []string{dirObjects}, "an empty object store: buckets and objects of the embedded store are lost, unless they are put back from a backup instead",
			(*Installation).checkObjects, remakeObjects},
		{PartDatabase, []string{fileDatabase}, "an empty database: all things, certificates, aliases, policies, roles and users are lost, unless it is put back from a backup instead; the administrator gets the key in admin.env again, or a new one",
			nil, remakeDatabase},
		{PartAdminEnv, []string{fileAdminEnv}, "a new access key for the administrator, as thingpass recover-admin makes it; policies that lock it out are taken off, too",
			nil, func(ctx context.Context, i *Installation, now time.Time) error {
				_, err := i.RecoverAdministrator(ctx, "", false, now)
				return err
			}},
	}
}

// Parts looks at all parts of the installation. It changes nothing.
func (i *Installation) Parts() (list []Part) {
	for _, k := range partKinds() {
		if k.name == PartDatabase && i.dsn() != "sqlite:"+i.path(fileDatabase) {
			continue
		}
		list = append(list, i.look(k))
	}
	return list
}

func (i *Installation) look(k partKind) Part {
	p := Part{Name: k.name, Files: k.files, Meaning: k.meaning}
	for _, file := range k.files {
		if i.absent(file) {
			p.Gone = append(p.Gone, file)
		}
	}
	switch {
	case len(p.Gone) == len(p.Files):
	case len(p.Gone) > 0:
		p.Damaged = strings.Join(p.Gone, ", ") + " is gone, and the rest of it is there"
	case k.check != nil:
		if err := k.check(i); err != nil {
			p.Damaged = err.Error()
		}
	}
	return p
}

// Remake makes a part that is gone. It replaces nothing: a part of which
// anything is left has to be moved away first.
func (i *Installation) Remake(ctx context.Context, name string, now time.Time) (Part, error) {
	kinds := partKinds()
	at := slices.IndexFunc(kinds, func(k partKind) bool { return k.name == name })
	if at < 0 {
		return Part{}, fmt.Errorf("there is no part %q: %s", name, strings.Join(PartNames(), ", "))
	}
	if name == PartDatabase && i.dsn() != "sqlite:"+i.path(fileDatabase) {
		return Part{}, errors.New("the database is not in the data folder: restore it where it is")
	}
	p := i.look(kinds[at])
	switch {
	case p.Whole():
		return p, fmt.Errorf("%s is not gone: nothing is changed", name)
	case !p.Remakable():
		return p, fmt.Errorf("%s: %s. Nothing that exists is replaced: put back what is missing from a backup, or move away what is left of %s and call this again", name, p.Damaged, strings.Join(p.Files, ", "))
	}
	if err := kinds[at].remake(ctx, i, now); err != nil {
		return p, fmt.Errorf("remake %s: %w", name, err)
	}
	if p = i.look(kinds[at]); !p.Whole() {
		return p, fmt.Errorf("remake %s: %s", name, p.Damaged)
	}
	return p, nil
}

// PartNames lists what --remake takes.
func PartNames() (names []string) {
	for _, k := range partKinds() {
		names = append(names, k.name)
	}
	return names
}

// need fails when one of these parts is gone or half of it is, and names the
// command that helps.
func (i *Installation) need(names ...string) error {
	for _, p := range i.Parts() {
		if len(p.Gone) > 0 && slices.Contains(names, p.Name) {
			where := i.path(p.Gone[0])
			return fmt.Errorf("%s is gone: put it back from a backup, or see what making a new one means with thingpass repair --data %s", where, i.dir)
		}
	}
	return nil
}

func (i *Installation) checkPair(cert, key string) error {
	if _, err := tls.LoadX509KeyPair(i.path(cert), i.path(key)); err != nil {
		return fmt.Errorf("%s and %s: %w", cert, key, err)
	}
	return nil
}

func (i *Installation) checkObjects() error {
	if i.absent(filepath.Join(dirObjects, "index.db")) {
		return fmt.Errorf("%s/index.db is gone, and files of objects may be left", dirObjects)
	}
	return nil
}

// remakeServer makes a certificate, and the RSA one beside it when nothing of
// that is left.
func remakeServer(_ context.Context, i *Installation, now time.Time) error {
	pairs := serverPairs()
	if i.absent(pairs[0].ca) || i.absent(pairs[0].caKey) {
		return fmt.Errorf("the CA that signs it is gone: remake %s first", PartServerCA)
	}
	for _, p := range pairs[1:] {
		if !i.absent(p.cert) || !i.absent(p.key) {
			return i.renewServerPair(pairs[0], RenewConfig{Hosts: i.Hosts, Now: now})
		}
	}
	return i.RenewServerCertificates(RenewConfig{Hosts: i.Hosts, Now: now})
}

func remakeDeviceCA(_ context.Context, i *Installation, now time.Time) error {
	cert, key, err := identity.NewIssuer(i.Account, now)
	if err != nil {
		return err
	}
	if err := i.folderOf(fileDeviceCA); err != nil {
		return err
	}
	if err := i.write(fileDeviceCAKey, key, 0o600); err != nil {
		return err
	}
	return i.write(fileDeviceCA, cert, 0o644)
}

// folderOf makes the folder of a file when it is gone.
func (i *Installation) folderOf(name string) error {
	err := os.Mkdir(filepath.Dir(i.path(name)), 0o700)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	return err
}

func remakeObjects(_ context.Context, i *Installation, _ time.Time) error {
	s, err := objects.Create(i.path(dirObjects))
	if err != nil {
		return err
	}
	return s.Close()
}

// remakeDatabase makes an empty database. What admin.env says goes on to be
// right, if it is there.
func remakeDatabase(ctx context.Context, i *Installation, now time.Time) (err error) {
	for _, beside := range []string{fileDatabase + "-wal", fileDatabase + "-shm"} {
		if !i.absent(beside) {
			return fmt.Errorf("%s is left of the old one, and would be taken for a part of the new one: move it away", beside)
		}
	}
	key := newAdminKey(now)
	file, err := i.readEnv("")
	if err != nil {
		return err
	}
	known := file.get(envKeyID) != "" && file.get(envSecret) != ""
	if known {
		key.ID, key.Secret = file.get(envKeyID), thingpass.NewSecret(file.get(envSecret))
	}
	db, err := store.Create(ctx, i.dsn(), i.Place())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.CreateUser(ctx, newAdministrator(now), key); err != nil || known {
		return err
	}
	file.set(envKeyID, key.ID)
	file.set(envSecret, key.Secret.Reveal())
	return i.write(fileAdminEnv, []byte(file.text()), 0o600)
}
