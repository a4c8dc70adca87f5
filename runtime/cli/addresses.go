package cli

import (
	"fmt"
	"os"
	"strings"
)

// removeAddresses takes the files away that say where the server listens: it does not, yet or any more.
func (s *server) removeAddresses() {
	for _, name := range []string{s.flags.addressFile, s.flags.adminAddressFile} {
		if name != "" {
			os.Remove(name)
		}
	}
}

// writeAddresses writes --address-file and --admin-address-file.
func (s *server) writeAddresses() error {
	var clients, admins strings.Builder
	for _, l := range s.listeners {
		fmt.Fprintln(&clients, l.Address())
	}
	for _, g := range s.gates {
		fmt.Fprintln(&clients, g)
	}
	if s.admin != nil {
		fmt.Fprintln(&admins, s.admin.Address())
	}
	if err := writeFile("--address-file", s.flags.addressFile, clients.String()); err != nil {
		return err
	}
	return writeFile("--admin-address-file", s.flags.adminAddressFile, admins.String())
}

// writeFile writes a file whole or not at all, so that who waits for it never reads half of it. Without a name it does
// nothing.
func writeFile(flag, name, text string) error {
	if name == "" {
		return nil
	}
	temporary := name + ".new"
	err := os.WriteFile(temporary, []byte(text), 0o644)
	if err == nil {
		err = os.Rename(temporary, name)
	}
	if err != nil {
		os.Remove(temporary)
		return fmt.Errorf("cannot write %s: %w", flag, err)
	}
	return nil
}
