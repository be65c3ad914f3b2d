// An outside witness and an outside log, of Go's own code for transparency logs and the C2SP specifications alone.
//
//	outsider key <name> <file>                              makes a log's key in that file, and prints its vkey
//	outsider cosigner <name> <file>                         the same of a witness
//	outsider witness <file> <log's vkey> <time>             serves add-checkpoint (c2sp.org/tlog-witness), prints its port
//	outsider log <file> <witness's url> <witness's vkey>    grows, and has each head cosigned; prints the sizes
//	outsider fork <file> <witness's url> <size>             offers another history of that size, prints the status
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const cosignatureV1 = 4 // c2sp.org/tlog-cosignature

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// --- cosignature/v1, which is a note.Signer and a note.Verifier of its own kind ---

type cosigner struct {
	name   string
	public ed25519.PublicKey
	secret ed25519.PrivateKey
	time   uint64
}

func (c cosigner) Name() string { return c.name }

func (c cosigner) KeyHash() uint32 {
	hash := sha256.Sum256(append([]byte(c.name+"\n\x04"), c.public...))
	return binary.BigEndian.Uint32(hash[:])
}

func message(text []byte, at uint64) []byte {
	return append([]byte(fmt.Sprintf("cosignature/v1\ntime %d\n", at)), text...)
}

func (c cosigner) Sign(text []byte) ([]byte, error) {
	return append(binary.BigEndian.AppendUint64(nil, c.time), ed25519.Sign(c.secret, message(text, c.time))...), nil
}

func (c cosigner) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	return ed25519.Verify(c.public, message(text, binary.BigEndian.Uint64(signature)), signature[8:])
}

func (c cosigner) vkey() string {
	key := base64.StdEncoding.EncodeToString(append([]byte{cosignatureV1}, c.public...))
	return fmt.Sprintf("%s+%08x+%s", c.name, c.KeyHash(), key)
}

func parseCosigner(vkey string) cosigner {
	name, rest, _ := strings.Cut(vkey, "+")
	hash, encoded, _ := strings.Cut(rest, "+")
	key, err := base64.StdEncoding.DecodeString(encoded)
	check(err)
	if len(key) != 1+ed25519.PublicKeySize || key[0] != cosignatureV1 {
		check(fmt.Errorf("%s is no cosigner's key", vkey))
	}
	c := cosigner{name: name, public: key[1:]}
	if fmt.Sprintf("%08x", c.KeyHash()) != hash {
		check(fmt.Errorf("%s has another key hash", vkey))
	}
	return c
}

// --- checkpoints ---

func checkpoint(origin string, size int64, root tlog.Hash) string {
	return fmt.Sprintf("%s\n%d\n%s\n", origin, size, base64.StdEncoding.EncodeToString(root[:]))
}

func parse(text, origin string) (tlog.Tree, error) {
	first, rest, _ := strings.Cut(text, "\n")
	if first != origin {
		return tlog.Tree{}, fmt.Errorf("a checkpoint of %s", first)
	}
	return tlog.ParseTree([]byte("go.sum database tree\n" + rest))
}

// --- the witness ---

type witness struct {
	key  cosigner
	log  note.Verifier
	lock sync.Mutex
	seen tlog.Tree
}

func (w *witness) ServeHTTP(answer http.ResponseWriter, asked *http.Request) {
	body, err := io.ReadAll(io.LimitReader(asked.Body, 1<<20))
	if err != nil {
		answer.WriteHeader(http.StatusBadRequest)
		return
	}
	head, signed, found := bytes.Cut(body, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	old, err := strconv.ParseInt(strings.TrimPrefix(lines[0], "old "), 10, 64)
	if !found || err != nil || old < 0 {
		answer.WriteHeader(http.StatusBadRequest)
		return
	}
	var proof tlog.TreeProof
	for _, line := range lines[1:] {
		data, err := base64.StdEncoding.DecodeString(line)
		var hash tlog.Hash
		if err != nil || copy(hash[:], data) != len(hash) {
			answer.WriteHeader(http.StatusBadRequest)
			return
		}
		proof = append(proof, hash)
	}
	w.lock.Lock()
	defer w.lock.Unlock()
	opened, err := note.Open(signed, note.VerifierList(w.log))
	if err != nil {
		answer.WriteHeader(http.StatusForbidden)
		return
	}
	tree, err := parse(opened.Text, w.log.Name())
	if err != nil {
		answer.WriteHeader(http.StatusNotFound)
		return
	}
	if old > tree.N {
		answer.WriteHeader(http.StatusBadRequest)
		return
	}
	if old != w.seen.N {
		answer.Header().Set("Content-Type", "text/x.tlog.size")
		answer.WriteHeader(http.StatusConflict)
		fmt.Fprintf(answer, "%d\n", w.seen.N)
		return
	}
	if old > 0 && tlog.CheckTree(proof, tree.N, tree.Hash, old, w.seen.Hash) != nil {
		answer.WriteHeader(http.StatusUnprocessableEntity)
		return
	}
	cosigned, err := note.Sign(&note.Note{Text: opened.Text}, w.key)
	if err != nil {
		answer.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.seen = tree
	answer.Write(cosigned[len(opened.Text)+1:])
}

func serve(file, vkey, clock string) {
	at, err := strconv.ParseUint(clock, 10, 64)
	check(err)
	secret, err := os.ReadFile(file)
	check(err)
	name, seed, _ := strings.Cut(string(secret), " ")
	raw, err := base64.StdEncoding.DecodeString(seed)
	check(err)
	key := ed25519.NewKeyFromSeed(raw)
	log, err := note.NewVerifier(vkey)
	check(err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	mux := http.NewServeMux()
	mux.Handle("/witness/add-checkpoint", &witness{key: cosigner{name, key.Public().(ed25519.PublicKey), key, at}, log: log})
	check(http.Serve(listener, mux))
}

// --- the log ---

type history struct {
	prefix string
	hashes []tlog.Hash
	roots  map[int64]tlog.Hash
	size   int64
}

func (h *history) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var found []tlog.Hash
	for _, index := range indexes {
		found = append(found, h.hashes[index])
	}
	return found, nil
}

func (h *history) grow(size int64) {
	for ; h.size < size; h.size++ {
		new, err := tlog.StoredHashes(h.size, []byte(fmt.Sprintf("%s %d", h.prefix, h.size)), h)
		check(err)
		h.hashes = append(h.hashes, new...)
	}
	root, err := tlog.TreeHash(h.size, h)
	check(err)
	h.roots[h.size] = root
}

func (h *history) question(old int64, signer note.Signer) []byte {
	signed, err := note.Sign(&note.Note{Text: checkpoint(signer.Name(), h.size, h.roots[h.size])}, signer)
	check(err)
	lines := fmt.Sprintf("old %d\n", old)
	if old > 0 && old < h.size {
		proof, err := tlog.ProveTree(h.size, old, h)
		check(err)
		for _, hash := range proof {
			lines += base64.StdEncoding.EncodeToString(hash[:]) + "\n"
		}
	}
	return append([]byte(lines+"\n"), signed...)
}

func ask(url string, body []byte) (int, []byte) {
	answer, err := http.Post(url+"/witness/add-checkpoint", "", bytes.NewReader(body))
	check(err)
	defer answer.Body.Close()
	told, err := io.ReadAll(answer.Body)
	check(err)
	return answer.StatusCode, told
}

func signer(file string) note.Signer {
	skey, err := os.ReadFile(file)
	check(err)
	signer, err := note.NewSigner(string(skey))
	check(err)
	return signer
}

func growing(file, url, vkey string) {
	key, witness := signer(file), parseCosigner(vkey)
	log := &history{"entry", nil, map[int64]tlog.Hash{}, 0}
	old := int64(0)
	for _, size := range []int64{1, 2, 3, 7, 8, 255, 256, 257, 600, 600} {
		log.grow(size)
		status, told := ask(url, log.question(old, key))
		if status != http.StatusOK {
			check(fmt.Errorf("size %d: %d %s", size, status, told))
		}
		text := checkpoint(key.Name(), size, log.roots[size])
		opened, err := note.Open(append([]byte(text+"\n"), told...), note.VerifierList(witness))
		check(err)
		if len(opened.Sigs) != 1 || opened.Text != text {
			check(fmt.Errorf("size %d is cosigned by %d", size, len(opened.Sigs)))
		}
		fmt.Println(size)
		old = size
	}
}

func forking(file, url, size string) {
	log := &history{"another entry", nil, map[int64]tlog.Hash{}, 0}
	old, err := strconv.ParseInt(size, 10, 64)
	check(err)
	for _, grown := range []int64{old, old + 1} {
		log.grow(grown)
		status, _ := ask(url, log.question(old, signer(file)))
		fmt.Println(status)
	}
}

func main() {
	switch os.Args[1] {
	case "key":
		skey, vkey, err := note.GenerateKey(rand.Reader, os.Args[2])
		check(err)
		check(os.WriteFile(os.Args[3], []byte(skey), 0o600))
		fmt.Println(vkey)
	case "cosigner":
		public, secret, err := ed25519.GenerateKey(rand.Reader)
		check(err)
		seed := base64.StdEncoding.EncodeToString(secret.Seed())
		check(os.WriteFile(os.Args[3], []byte(os.Args[2]+" "+seed), 0o600))
		fmt.Println(cosigner{name: os.Args[2], public: public}.vkey())
	case "witness":
		serve(os.Args[2], os.Args[3], os.Args[4])
	case "log":
		growing(os.Args[2], os.Args[3], os.Args[4])
	case "fork":
		forking(os.Args[2], os.Args[3], os.Args[4])
	}
}
