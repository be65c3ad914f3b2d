// Reads a served log with Go's own client code for transparency logs, and checks all that it can.
//
// golang.org/x/mod/sumdb is what the go command uses for sum.golang.org. It knows nothing of this project: only where
// the tiles lie is told here, as C2SP leaves the height out of the path and calls level -1 "entries".
//
//	checklog <url of the log> <vkey> <proofs.json>
package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

// proofs are what the log's own code has made, for this code to judge.
type proofs struct {
	Inclusion []struct {
		Index int64
		Size  int64
		Leaf  []byte
		Root  []byte
		Proof [][]byte
	}
	Consistency []struct {
		Old     int64
		Size    int64
		OldRoot []byte
		Root    []byte
		Proof   [][]byte
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func fetch(url string) ([]byte, error) {
	answer, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, answer.Status)
	}
	return io.ReadAll(answer.Body)
}

func path(tile tlog.Tile) string {
	return strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", height), "tile/", 1)
}

// tiles serves tlog.TileHashReader out of the log's own tiles.
type tiles struct{ url string }

func (t tiles) Height() int                                 { return height }
func (t tiles) SaveTiles(tiles []tlog.Tile, data [][]byte) {}
func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range wanted {
		data, err := fetch(t.url + "/" + path(tile))
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

func open(url, vkey string) tlog.Tree {
	verifier, err := note.NewVerifier(vkey)
	check(err)
	signed, err := fetch(url + "/checkpoint")
	check(err)
	opened, err := note.Open(signed, note.VerifierList(verifier))
	check(err)
	origin, rest, _ := strings.Cut(opened.Text, "\n")
	if origin != verifier.Name() {
		check(fmt.Errorf("a checkpoint of %s", origin))
	}
	tree, err := tlog.ParseTree([]byte("go.sum database tree\n" + rest))
	check(err)
	return tree
}

// entries reads the bundles: two bytes of length, and the entry.
func entries(url string, size int64) [][]byte {
	var all [][]byte
	for first := int64(0); first < size; first += 1 << height {
		width := size - first
		if width > 1<<height {
			width = 1 << height
		}
		tile := tlog.Tile{H: height, L: 0, N: first >> height, W: int(width)}
		data, err := fetch(url + "/" + strings.Replace(path(tile), "tile/0/", "tile/entries/", 1))
		check(err)
		for len(data) >= 2 {
			length := int(data[0])<<8 | int(data[1])
			if len(data) < 2+length {
				check(fmt.Errorf("a bundle that ends in an entry"))
			}
			all = append(all, data[2:2+length])
			data = data[2+length:]
		}
		if len(data) != 0 {
			check(fmt.Errorf("a bundle with a byte left over"))
		}
	}
	if int64(len(all)) != size {
		check(fmt.Errorf("%d entries of %d", len(all), size))
	}
	return all
}

func hash(data []byte) (h tlog.Hash) {
	if copy(h[:], data) != len(h) || len(data) != len(h) {
		check(fmt.Errorf("a hash of %d bytes", len(data)))
	}
	return h
}

func hashes(data [][]byte) (all []tlog.Hash) {
	for _, one := range data {
		all = append(all, hash(one))
	}
	return all
}

func main() {
	url, vkey := os.Args[1], os.Args[2]
	tree := open(url, vkey)
	reader := tlog.TileHashReader(tree, tiles{url})
	all := entries(url, tree.N)
	for index, entry := range all {
		proof, err := tlog.ProveRecord(tree.N, int64(index), reader)
		check(err)
		check(tlog.CheckRecord(proof, tree.N, tree.Hash, int64(index), tlog.RecordHash(entry)))
	}
	for old := int64(1); old <= tree.N; old++ {
		root, err := tlog.TreeHash(old, reader)
		check(err)
		proof, err := tlog.ProveTree(tree.N, old, reader)
		check(err)
		check(tlog.CheckTree(proof, tree.N, tree.Hash, old, root))
	}
	raw, err := os.ReadFile(os.Args[3])
	check(err)
	var told proofs
	check(json.Unmarshal(raw, &told))
	for _, one := range told.Inclusion {
		check(tlog.CheckRecord(hashes(one.Proof), one.Size, hash(one.Root), one.Index, hash(one.Leaf)))
	}
	for _, one := range told.Consistency {
		check(tlog.CheckTree(hashes(one.Proof), one.Size, hash(one.Root), one.Old, hash(one.OldRoot)))
	}
	fmt.Printf("%d %s %d %d\n", tree.N, base64.StdEncoding.EncodeToString(tree.Hash[:]), len(told.Inclusion), len(told.Consistency))
}
