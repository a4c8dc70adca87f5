package postgres

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// epoch is the day from which the server counts.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// decode is a value as the server sent it: nil, int64, float64, bool, string or []byte. An interval is its seconds, a
// date its text.
func decode(oid uint32, format int16, raw []byte) (any, error) {
	if raw == nil {
		return nil, nil
	}
	if format == pgx.TextFormatCode {
		return decodeText(oid, string(raw))
	}
	switch oid {
	case pgtype.Int8OID:
		return int64(binary.BigEndian.Uint64(raw)), nil
	case pgtype.Int4OID:
		return int64(int32(binary.BigEndian.Uint32(raw))), nil
	case pgtype.Int2OID:
		return int64(int16(binary.BigEndian.Uint16(raw))), nil
	case pgtype.Float8OID:
		return math.Float64frombits(binary.BigEndian.Uint64(raw)), nil
	case pgtype.BoolOID:
		return raw[0] != 0, nil
	case pgtype.DateOID:
		return decodeDate(int32(binary.BigEndian.Uint32(raw)))
	case pgtype.IntervalOID:
		return decodeInterval(raw)
	case pgtype.UUIDOID:
		return strings.ToUpper(hex.EncodeToString(raw)), nil
	case pgtype.ByteaOID:
		return append([]byte{}, raw...), nil
	case pgtype.JSONBOID:
		return string(raw[1:]), nil // after the version
	case pgtype.TextOID, pgtype.VarcharOID, pgtype.NameOID, pgtype.UnknownOID:
		return string(raw), nil
	}
	return nil, fmt.Errorf("the server sent a value of type %d, which no column has", oid)
}

func decodeText(oid uint32, text string) (any, error) {
	switch oid {
	case pgtype.Int8OID, pgtype.Int4OID, pgtype.Int2OID:
		return strconv.ParseInt(text, 10, 64)
	case pgtype.Float8OID:
		return strconv.ParseFloat(text, 64)
	case pgtype.BoolOID:
		return text == "t", nil
	case pgtype.DateOID, pgtype.IntervalOID, pgtype.ByteaOID:
		return nil, fmt.Errorf("the server sent %.20q as a text", text)
	}
	return text, nil
}

func decodeDate(days int32) (any, error) {
	if days == math.MaxInt32 || days == math.MinInt32 {
		return nil, fmt.Errorf("a date is infinity; correct it in the database")
	}
	return epoch.AddDate(0, 0, int(days)).Format(time.DateOnly), nil
}

// decodeInterval is the seconds of an interval; a month has 30 days, as for the server.
func decodeInterval(raw []byte) (any, error) {
	if len(raw) != 16 {
		return nil, fmt.Errorf("an interval of %d bytes", len(raw))
	}
	micro := int64(binary.BigEndian.Uint64(raw))
	days := int64(int32(binary.BigEndian.Uint32(raw[8:]))) + 30*int64(int32(binary.BigEndian.Uint32(raw[12:])))
	return micro/1e6 + days*86400, nil
}
