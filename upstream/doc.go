// Package upstream is an S3 engine that stands behind us: Ceph RGW, MinIO,
// Garage, SeaweedFS, a cloud's bucket. It reads how an engine is reached, signs
// requests with the engine's own keys, sends them, and watches that they
// advance.
//
// It owns the connections to an engine, how many requests an engine is given at
// a time, and what is known of the peculiarities of each kind of engine. It
// does not own what a request says, who may ask it, or how an answer is shown:
// it knows no permissions and no operations. It trusts an engine with the bytes
// of objects, and with nothing else: an answer may be late, garbage or half.
package upstream
