;; Guests that misbehave, for the unit tests of the runtime. No part of the program.
(component
  (core module $m
    (memory (export "memory") 1)
    ;; Computes without end.
    (func (export "spin") (loop $l br $l))
    ;; Asks for more and more memory; traps when it is refused.
    (func (export "grow")
      (loop $l
        (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable))
        br $l))
    ;; Recurses until the stack is used up.
    (func $dive (export "dive") call $dive)
    (func (export "crash") unreachable)
    (func (export "answer") (result i32) i32.const 42)
    ;; Writes at the start of its memory, at its end and into a page that it grows, and answers what stood there before.
    (func (export "mark") (result i32)
      (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable))
      (i32.or
        (i32.or (i32.load (i32.const 0)) (i32.load (i32.const 65532)))
        (i32.or (i32.load (i32.const 65536)) (i32.load (i32.const 1114108))))
      (i32.store (i32.const 0) (i32.const 1))
      (i32.store (i32.const 65532) (i32.const 2))
      (i32.store (i32.const 65536) (i32.const 4))
      (i32.store (i32.const 1114108) (i32.const 8))))
  (core instance $i (instantiate $m))
  (func (export "spin") (canon lift (core func $i "spin")))
  (func (export "grow") (canon lift (core func $i "grow")))
  (func (export "dive") (canon lift (core func $i "dive")))
  (func (export "crash") (canon lift (core func $i "crash")))
  (func (export "answer") (result u32) (canon lift (core func $i "answer")))
  (func (export "mark") (result u32) (canon lift (core func $i "mark"))))
