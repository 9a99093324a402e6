;; A component with bad intentions, for the unit tests of the runtime. No part of the program.
;;
;; Each function does one thing that no component should, with the imports that the real one has. It answers 0 if the host
;; did it, and 1 and the error's place in the contract if the host refused. "shop" and "other" are applications of the host,
;; "stranger" is not.
(component
  (import "lwa:rotation/settings@0.1.0" (instance $settings
    (type $agent' (record (field "application" string) (field "version" string) (field "language" string)))
    (export "user-agent" (type $agent (eq $agent')))
    (type $application' (record
      (field "client-id" string) (field "token-endpoint" string) (field "api-endpoint" string)
      (field "rotate-before" u32) (field "patience" u32) (field "targets" (list string)) (field "user-agent" $agent)))
    (export "application" (type $application (eq $application')))
    (export "find" (func (param "client-id" string) (result (option $application))))))

  (import "lwa:rotation/http@0.1.0" (instance $http
    (type $method' (enum "get" "post"))
    (export "method" (type $method (eq $method')))
    (type $header' (record (field "name" string) (field "value" (list u8))))
    (export "header" (type $header (eq $header')))
    (type $request' (record
      (field "method" $method) (field "url" string) (field "headers" (list $header)) (field "body" (list u8))
      (field "time-limit" u32) (field "body-limit" u32)))
    (export "request" (type $request (eq $request')))
    (type $response' (record (field "status" u16) (field "headers" (list $header)) (field "body" (list u8))))
    (export "response" (type $response (eq $response')))
    (type $error' (variant
      (case "not-sent" string) (case "forbidden" string) (case "outcome-unknown" string) (case "too-large")
      (case "other" string)))
    (export "error" (type $error (eq $error')))
    (export "send" (func (param "request" $request) (result (result $response (error $error)))))))

  (import "lwa:rotation/queue@0.1.0" (instance $queue
    (type $message' (record
      (field "id" string) (field "receipt-handle" string) (field "body" (list u8)) (field "receive-count" u32)
      (field "sent-at" (option u64))))
    (export "message" (type $message (eq $message')))
    (type $error' (variant
      (case "not-found" string) (case "access-denied" string) (case "stale-receipt") (case "unavailable" string)
      (case "other" string)))
    (export "error" (type $error (eq $error')))
    (export "receive" (func
      (param "queue" string) (param "max" u32) (param "wait" u32) (param "visibility" u32)
      (result (result (list $message) (error $error)))))
    (export "delete" (func (param "queue" string) (param "receipt-handle" string) (result (result (error $error)))))))

  (import "lwa:rotation/store@0.1.0" (instance $store
    (type $entry' (record (field "revision" string) (field "document" (list u8))))
    (export "entry" (type $entry (eq $entry')))
    (type $error' (variant
      (case "conflict") (case "access-denied" string) (case "full" string) (case "unavailable" string)
      (case "other" string)))
    (export "error" (type $error (eq $error')))
    (export "load" (func (param "client-id" string) (result (result (option $entry) (error $error)))))
    (export "save" (func
      (param "client-id" string) (param "document" (list u8)) (param "expected" (option string))
      (result (result string (error $error)))))))

  (import "lwa:rotation/publish@0.1.0" (instance $publish
    (type $credential' (record
      (field "client-id" string) (field "client-secret" (list u8)) (field "expires-at" (option u64))))
    (export "credential" (type $credential (eq $credential')))
    (type $error' (variant
      (case "unknown-target") (case "access-denied" string) (case "unavailable" string) (case "other" string)))
    (export "error" (type $error (eq $error')))
    (export "put" (func (param "target" string) (param "credential" $credential) (result (result (error $error)))))))

  (import "lwa:rotation/observe@0.1.0" (instance $observe
    (type $cause' (enum
      "secret-refused" "secret-expired" "scope-refused" "access-denied" "not-subscribed" "throttled" "unavailable"
      "not-connected" "answer-lost" "origin-refused" "unexpected-answer" "message-missing" "new-secret-refused"
      "target-failed"))
    (export "cause" (type $cause (eq $cause')))
    (type $remedy-by' (enum "time" "person"))
    (export "remedy-by" (type $remedy-by (eq $remedy-by')))
    (type $amazon-error' (record
      (field "status" u16) (field "code" string) (field "message" string) (field "details" string)
      (field "request-id" string)))
    (export "amazon-error" (type $amazon-error (eq $amazon-error')))
    (type $problem' (record
      (field "cause" $cause) (field "remedy-by" $remedy-by) (field "happened" string) (field "still-works" string)
      (field "remedy" string) (field "act-by" (option u64)) (field "amazon" (option $amazon-error))
      (field "retry-at" (option u64))))
    (export "problem" (type $problem (eq $problem')))
    (type $purpose' (enum "rotation" "proof"))
    (export "purpose" (type $purpose (eq $purpose')))
    (type $reason' (enum "due" "requested" "requested-again"))
    (export "reason" (type $reason (eq $reason')))
    (type $left' (variant (case "unreadable" string) (case "not-enrolled") (case "not-kept" string)))
    (export "left" (type $left (eq $left')))
    (type $secret-ends' (record (field "new-ends-at" (option u64)) (field "old-ends-at" (option u64))))
    (export "secret-ends" (type $secret-ends (eq $secret-ends')))
    (type $target-failure' (record (field "target" string) (field "failure" string) (field "retry-at" u64)))
    (export "target-failure" (type $target-failure (eq $target-failure')))
    (type $hidden-message' (record (field "id" string) (field "until" u64)))
    (export "hidden-message" (type $hidden-message (eq $hidden-message')))
    (type $left-message' (record (field "id" string) (field "why" $left)))
    (export "left-message" (type $left-message (eq $left-message')))
    (type $received-message' (record (field "id" string) (field "receive-count" u32)))
    (export "received-message" (type $received-message (eq $received-message')))
    (type $happening' (variant
      (case "enrolled") (case "rotation-begun" $reason) (case "asking-for-token" $purpose)
      (case "token-issued" $purpose) (case "calling-rotate") (case "rotate-accepted")
      (case "rotate-outcome-unknown" $problem) (case "rotate-refused" $problem)
      (case "message-received" $received-message) (case "secret-kept" $secret-ends) (case "message-old" string)
      (case "expiry-noticed" u64) (case "proving") (case "proven") (case "not-proven" $problem)
      (case "promoted" $secret-ends) (case "published" string) (case "not-published" $target-failure)
      (case "acknowledged" string) (case "hidden" $hidden-message) (case "left" $left-message)
      (case "not-acknowledged" string) (case "old-secret-purged") (case "stalled" $problem) (case "resumed")))
    (export "happening" (type $happening (eq $happening')))
    (type $event' (record (field "client-id" (option string)) (field "at" u64) (field "what" $happening)))
    (export "event" (type $event (eq $event')))
    (export "emit" (func (param "event" $event)))))

  (import "wasi:clocks/wall-clock@0.2.12" (instance $clock
    (type $datetime' (record (field "seconds" u64) (field "nanoseconds" u32)))
    (export "datetime" (type $datetime (eq $datetime')))
    (export "now" (func (result $datetime)))))

  ;; Memory that is given out and never taken back.
  (core module $heap
    (memory (export "memory") 33)
    (global $next (mut i32) (i32.const 0x210000))
    (func (export "realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32)
      (local $here i32)
      (local.set $here (i32.and
        (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
      (global.set $next (i32.add (local.get $here) (local.get $size)))
      (loop $more
        (if (i32.gt_u (global.get $next) (i32.shl (memory.size) (i32.const 16)))
          (then (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable)) (br $more))))
      (local.get $here)))
  (core instance $heap (instantiate $heap))
  (alias core export $heap "memory" (core memory $memory))
  (alias core export $heap "realloc" (core func $realloc))

  (core func $find (canon lower (func $settings "find") (memory $memory) (realloc $realloc)))
  (core func $send (canon lower (func $http "send") (memory $memory) (realloc $realloc)))
  (core func $receive (canon lower (func $queue "receive") (memory $memory) (realloc $realloc)))
  (core func $delete (canon lower (func $queue "delete") (memory $memory) (realloc $realloc)))
  (core func $load (canon lower (func $store "load") (memory $memory) (realloc $realloc)))
  (core func $save (canon lower (func $store "save") (memory $memory) (realloc $realloc)))
  (core func $put (canon lower (func $publish "put") (memory $memory) (realloc $realloc)))
  (core func $emit (canon lower (func $observe "emit") (memory $memory)))
  (core func $now (canon lower (func $clock "now") (memory $memory)))

  (core module $guest
    (import "heap" "memory" (memory 33))
    (import "host" "find" (func $find (param i32 i32 i32)))
    (import "host" "send" (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
    (import "host" "receive" (func $receive (param i32 i32 i32 i32 i32 i32)))
    (import "host" "delete" (func $delete (param i32 i32 i32 i32 i32)))
    (import "host" "load" (func $load (param i32 i32 i32)))
    (import "host" "save" (func $save (param i32 i32 i32 i32 i32 i32 i32 i32)))
    (import "host" "put" (func $put (param i32 i32 i32 i32 i32 i32 i32 i64 i32)))
    (import "host" "emit" (func $emit (param i32)))
    (import "host" "now" (func $now (param i32)))

    (data (i32.const 0) "shop")
    (data (i32.const 16) "other")
    (data (i32.const 32) "stranger")
    (data (i32.const 48) "main")
    (data (i32.const 64) "shelf")
    (data (i32.const 80) "attic")
    (data (i32.const 96) "1.00000000000000ff")
    (data (i32.const 128) "{\"format\":1}")
    (data (i32.const 144) "host")
    (data (i32.const 160) "elsewhere.example")
    ;; A header: host: elsewhere.example
    (data (i32.const 192) "\90\00\00\00\04\00\00\00\a0\00\00\00\11\00\00\00")

    ;; 0 if the result at 1024 is one; otherwise 1 and the place of its error.
    (func $outcome (param $error i32) (result i32)
      (if (result i32) (i32.load8_u (i32.const 1024))
        (then (i32.add (i32.const 1) (i32.load8_u (local.get $error))))
        (else (i32.const 0))))

    ;; Settings and records of others.
    (func (export "find-other") (result i32)
      (call $find (i32.const 16) (i32.const 5) (i32.const 1024))
      (i32.const 0))
    (func (export "load-other") (result i32)
      (call $load (i32.const 16) (i32.const 5) (i32.const 1024))
      (call $outcome (i32.const 1028)))
    (func (export "load-stranger") (result i32)
      (call $load (i32.const 32) (i32.const 8) (i32.const 1024))
      (call $outcome (i32.const 1028)))
    (func (export "save-other") (result i32)
      (call $save (i32.const 16) (i32.const 5) (i32.const 128) (i32.const 12) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1024))
      (call $outcome (i32.const 1028)))
    (func (export "save-stranger") (result i32)
      (call $save (i32.const 32) (i32.const 8) (i32.const 128) (i32.const 12) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1024))
      (call $outcome (i32.const 1028)))

    ;; Lies about what was read before.
    (func (export "save-as-new") (result i32)
      (call $save (i32.const 0) (i32.const 4) (i32.const 128) (i32.const 12) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1024))
      (call $outcome (i32.const 1028)))
    (func $save-over-invented (export "save-over-invented") (result i32)
      (call $save (i32.const 0) (i32.const 4) (i32.const 128) (i32.const 12) (i32.const 1) (i32.const 96) (i32.const 18) (i32.const 1024))
      (call $outcome (i32.const 1028)))
    (func (export "claim-that-it-is-saved") (result i32)
      (drop (call $save-over-invented))
      (i32.const 0))

    ;; Targets and queues that are not the call's.
    (func (export "put-elsewhere") (result i32)
      (call $put (i32.const 80) (i32.const 5) (i32.const 0) (i32.const 4) (i32.const 128) (i32.const 12) (i32.const 0) (i64.const 0) (i32.const 1024))
      (call $outcome (i32.const 1028)))
    (func (export "put-for-other") (result i32)
      (call $put (i32.const 80) (i32.const 5) (i32.const 16) (i32.const 5) (i32.const 128) (i32.const 12) (i32.const 0) (i64.const 0) (i32.const 1024))
      (call $outcome (i32.const 1028)))
    (func (export "receive-from-queue") (result i32)
      (call $receive (i32.const 48) (i32.const 4) (i32.const 10) (i32.const 0) (i32.const 43200) (i32.const 1024))
      (call $outcome (i32.const 1028)))
    (func (export "delete-from-queue") (result i32)
      (call $delete (i32.const 48) (i32.const 4) (i32.const 96) (i32.const 18) (i32.const 1024))
      (call $outcome (i32.const 1028)))

    ;; Requests. The URL is what the record of "shop" holds.
    (func $request (param $headers i32) (param $count i32) (param $limit i32)
      (call $load (i32.const 0) (i32.const 4) (i32.const 1024))
      (call $send (i32.const 0) (i32.load (i32.const 1040)) (i32.load (i32.const 1044)) (local.get $headers) (local.get $count)
        (i32.const 0) (i32.const 0) (local.get $limit) (local.get $limit) (i32.const 1024)))
    (func (export "send") (result i32)
      (call $request (i32.const 0) (i32.const 0) (i32.const 20))
      (call $outcome (i32.const 1028)))
    (func (export "send-with-host") (result i32)
      (call $request (i32.const 192) (i32.const 1) (i32.const 20))
      (call $outcome (i32.const 1028)))
    (func (export "send-without-limit") (result i32)
      (call $request (i32.const 0) (i32.const 0) (i32.const -1))
      (call $outcome (i32.const 1028)))

    ;; Lists that are not there, or that name the same megabyte over and over.
    (func (export "send-a-list-out-of-memory") (result i32)
      (call $request (i32.const 192) (i32.const 0x0fffffff) (i32.const 20))
      (i32.const 0))
    ;; 128 times a megabyte's place and length.
    (func $fill
      (local $at i32)
      (local.set $at (i32.const 0x10000))
      (loop $next
        (i32.store (local.get $at) (i32.const 0x10000))
        (i32.store offset=4 (local.get $at) (i32.const 0x100000))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (br_if $next (i32.lt_u (local.get $at) (i32.const 0x10400)))))
    (func (export "send-the-same-again-and-again") (result i32)
      (call $fill)
      (call $request (i32.const 0x10000) (i32.const 50) (i32.const 20))
      (i32.const 0))
    (func (export "answer-out-of-memory") (result i32)
      (i32.store (i32.const 1024) (i32.const 0))
      (i32.store (i32.const 1028) (i32.const 0x7fffffff))
      (i32.const 1024))
    (func (export "answer-the-same-again-and-again") (result i32)
      (call $fill)
      (i32.store (i32.const 1024) (i32.const 0x10000))
      (i32.store (i32.const 1028) (i32.const 100))
      (i32.const 1024))

    ;; More of everything.
    ;; An event of a kind that holds nothing, or one text of this length.
    (func $event (param $case i32) (param $length i32)
      (i32.store8 (i32.const 2072) (local.get $case))
      (i32.store (i32.const 2080) (i32.const 0x10000))
      (i32.store (i32.const 2084) (local.get $length))
      (call $emit (i32.const 2048)))
    (func (export "emit-without-end") (result i32)
      (loop $again (call $event (i32.const 0) (i32.const 0)) (br $again))
      (i32.const 0))
    (func (export "emit-at-length") (result i32)
      (loop $again (call $event (i32.const 10) (i32.const 0x8000)) (br $again))
      (i32.const 0))
    (func (export "find-without-end") (result i32)
      (loop $again (call $find (i32.const 32) (i32.const 8) (i32.const 1024)) (br $again))
      (i32.const 0))
    (func (export "load-without-end") (result i32)
      (loop $again (call $load (i32.const 0) (i32.const 4) (i32.const 1024)) (br $again))
      (i32.const 0))
    (func (export "send-without-end") (result i32)
      (loop $again (call $request (i32.const 0) (i32.const 0) (i32.const 20)) (br $again))
      (i32.const 0))
    (func (export "ask-the-time-without-end") (result i32)
      (loop $again (call $now (i32.const 1024)) (br $again))
      (i32.const 0)))
  (core instance $guest (instantiate $guest
    (with "heap" (instance $heap))
    (with "host" (instance
      (export "find" (func $find)) (export "send" (func $send)) (export "receive" (func $receive))
      (export "delete" (func $delete)) (export "load" (func $load)) (export "save" (func $save))
      (export "put" (func $put)) (export "emit" (func $emit)) (export "now" (func $now))))))

  (func (export "find-other") (result u32) (canon lift (core func $guest "find-other")))
  (func (export "load-other") (result u32) (canon lift (core func $guest "load-other")))
  (func (export "load-stranger") (result u32) (canon lift (core func $guest "load-stranger")))
  (func (export "save-other") (result u32) (canon lift (core func $guest "save-other")))
  (func (export "save-stranger") (result u32) (canon lift (core func $guest "save-stranger")))
  (func (export "save-as-new") (result u32) (canon lift (core func $guest "save-as-new")))
  (func (export "save-over-invented") (result u32) (canon lift (core func $guest "save-over-invented")))
  (func (export "claim-that-it-is-saved") (result u32) (canon lift (core func $guest "claim-that-it-is-saved")))
  (func (export "put-elsewhere") (result u32) (canon lift (core func $guest "put-elsewhere")))
  (func (export "put-for-other") (result u32) (canon lift (core func $guest "put-for-other")))
  (func (export "receive-from-queue") (result u32) (canon lift (core func $guest "receive-from-queue")))
  (func (export "delete-from-queue") (result u32) (canon lift (core func $guest "delete-from-queue")))
  (func (export "send") (result u32) (canon lift (core func $guest "send")))
  (func (export "send-with-host") (result u32) (canon lift (core func $guest "send-with-host")))
  (func (export "send-without-limit") (result u32) (canon lift (core func $guest "send-without-limit")))
  (func (export "send-a-list-out-of-memory") (result u32) (canon lift (core func $guest "send-a-list-out-of-memory")))
  (func (export "send-the-same-again-and-again") (result u32) (canon lift (core func $guest "send-the-same-again-and-again")))
  (func (export "answer-out-of-memory") (result string)
    (canon lift (core func $guest "answer-out-of-memory") (memory $memory)))
  (func (export "answer-the-same-again-and-again") (result (list string))
    (canon lift (core func $guest "answer-the-same-again-and-again") (memory $memory)))
  (func (export "emit-without-end") (result u32) (canon lift (core func $guest "emit-without-end")))
  (func (export "emit-at-length") (result u32) (canon lift (core func $guest "emit-at-length")))
  (func (export "find-without-end") (result u32) (canon lift (core func $guest "find-without-end")))
  (func (export "load-without-end") (result u32) (canon lift (core func $guest "load-without-end")))
  (func (export "send-without-end") (result u32) (canon lift (core func $guest "send-without-end")))
  (func (export "ask-the-time-without-end") (result u32) (canon lift (core func $guest "ask-the-time-without-end"))))
