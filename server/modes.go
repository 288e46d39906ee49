package server

import (
	"log/slog"
	"os"
)

// warnOfOpenFolder warns when other users of the machine may enter the data
// folder, which init makes with mode 0700: it holds every key of the installation.
func (i *Installation) warnOfOpenFolder(log *slog.Logger) {
	info, err := os.Stat(i.dir)
	if err != nil {
		log.Warn("the mode of the data folder is unknown", "folder", i.dir, "cause", err.Error())
		return
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		log.Warn("other users of this machine may enter the data folder, which holds every key: chmod 700 it",
			"folder", i.dir, "mode", mode.String())
	}
}
