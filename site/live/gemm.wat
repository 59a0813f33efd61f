;; The page's three inner loops, in SIMD. `tools.live.kernels` says how gemm.wasm and gemm_fused.wasm are made of them:
;; the second multiplies and adds in one instruction, which not every browser has yet; in the first they are two.
;;
;; gemm: four filters at eight places at once, C = max(lo, min(hi, A B + bias)).
;; a: filters in blocks of four, (blocks, k, 4).   src: where B's numbers lie, read where they lie:
;; base[panel] + koff[k] is the address, from src, of eight neighbours.   c: (4 blocks) rows of `row` bytes.
;;
;; depthwise: one filter on one channel, eight places of a row at once. src: the channel in its frame; the k weights w
;; belong to the numbers at koff[k], from src; `row` bytes further the next row begins.   c: (high, wide), rows without
;; a gap: what runs over a row's end, seven numbers at most, is overwritten by the next row.
;;
;; frame: rows of `wide` numbers laid into a frame whose rows have `row` bytes, the first of each row at a, the second
;; at b, and `step` bytes on the next two: so even and odd columns can lie apart.
(module
  (import "env" "memory" (memory 1))
  (func (export "gemm")
    (param $a i32) (param $src i32) (param $koff i32) (param $base i32) (param $c i32) (param $bias i32)
    (param $blocks i32) (param $k i32) (param $panels i32) (param $row i32) (param $lo f32) (param $hi f32)
    (local $p i32) (local $o i32) (local $from i32) (local $at i32) (local $kp i32) (local $end i32)
    (local $ap i32) (local $out i32)
    (local $b0 v128) (local $b1 v128) (local $w v128) (local $low v128) (local $high v128)
    (local $c00 v128) (local $c01 v128) (local $c10 v128) (local $c11 v128)
    (local $c20 v128) (local $c21 v128) (local $c30 v128) (local $c31 v128)
    (local.set $low (f32x4.splat (local.get $lo)))
    (local.set $high (f32x4.splat (local.get $hi)))
    (local.set $end (i32.add (local.get $koff) (i32.shl (local.get $k) (i32.const 2))))
    (loop $panel
      (local.set $from (i32.add (local.get $src)
        (i32.load (i32.add (local.get $base) (i32.shl (local.get $p) (i32.const 2))))))
      (local.set $ap (local.get $a))
      (local.set $o (i32.const 0))
      (loop $block
        (local.set $out (i32.add (local.get $bias) (i32.shl (local.get $o) (i32.const 4))))
        (local.set $c00 (v128.load32_splat (local.get $out)))
        (local.set $c01 (local.get $c00))
        (local.set $c10 (v128.load32_splat offset=4 (local.get $out)))
        (local.set $c11 (local.get $c10))
        (local.set $c20 (v128.load32_splat offset=8 (local.get $out)))
        (local.set $c21 (local.get $c20))
        (local.set $c30 (v128.load32_splat offset=12 (local.get $out)))
        (local.set $c31 (local.get $c30))
        (local.set $kp (local.get $koff))
        (loop $sum
          (local.set $at (i32.add (local.get $from) (i32.load (local.get $kp))))
          (local.set $b0 (v128.load (local.get $at)))
          (local.set $b1 (v128.load offset=16 (local.get $at)))
          (local.set $w (v128.load32_splat (local.get $ap)))
          (local.set $c00 (f32x4.relaxed_madd (local.get $w) (local.get $b0) (local.get $c00)))
          (local.set $c01 (f32x4.relaxed_madd (local.get $w) (local.get $b1) (local.get $c01)))
          (local.set $w (v128.load32_splat offset=4 (local.get $ap)))
          (local.set $c10 (f32x4.relaxed_madd (local.get $w) (local.get $b0) (local.get $c10)))
          (local.set $c11 (f32x4.relaxed_madd (local.get $w) (local.get $b1) (local.get $c11)))
          (local.set $w (v128.load32_splat offset=8 (local.get $ap)))
          (local.set $c20 (f32x4.relaxed_madd (local.get $w) (local.get $b0) (local.get $c20)))
          (local.set $c21 (f32x4.relaxed_madd (local.get $w) (local.get $b1) (local.get $c21)))
          (local.set $w (v128.load32_splat offset=12 (local.get $ap)))
          (local.set $c30 (f32x4.relaxed_madd (local.get $w) (local.get $b0) (local.get $c30)))
          (local.set $c31 (f32x4.relaxed_madd (local.get $w) (local.get $b1) (local.get $c31)))
          (local.set $ap (i32.add (local.get $ap) (i32.const 16)))
          (local.set $kp (i32.add (local.get $kp) (i32.const 4)))
          (br_if $sum (i32.lt_u (local.get $kp) (local.get $end))))
        (local.set $out (i32.add (i32.add (local.get $c) (i32.shl (local.get $p) (i32.const 5)))
          (i32.mul (i32.shl (local.get $o) (i32.const 2)) (local.get $row))))
        (v128.store (local.get $out) (f32x4.max (local.get $low) (f32x4.min (local.get $high) (local.get $c00))))
        (v128.store offset=16 (local.get $out) (f32x4.max (local.get $low) (f32x4.min (local.get $high) (local.get $c01))))
        (local.set $out (i32.add (local.get $out) (local.get $row)))
        (v128.store (local.get $out) (f32x4.max (local.get $low) (f32x4.min (local.get $high) (local.get $c10))))
        (v128.store offset=16 (local.get $out) (f32x4.max (local.get $low) (f32x4.min (local.get $high) (local.get $c11))))
        (local.set $out (i32.add (local.get $out) (local.get $row)))
        (v128.store (local.get $out) (f32x4.max (local.get $low) (f32x4.min (local.get $high) (local.get $c20))))
        (v128.store offset=16 (local.get $out) (f32x4.max (local.get $low) (f32x4.min (local.get $high) (local.get $c21))))
        (local.set $out (i32.add (local.get $out) (local.get $row)))
        (v128.store (local.get $out) (f32x4.max (local.get $low) (f32x4.min (local.get $high) (local.get $c30))))
        (v128.store offset=16 (local.get $out) (f32x4.max (local.get $low) (f32x4.min (local.get $high) (local.get $c31))))
        (local.set $o (i32.add (local.get $o) (i32.const 1)))
        (br_if $block (i32.lt_u (local.get $o) (local.get $blocks))))
      (local.set $p (i32.add (local.get $p) (i32.const 1)))
      (br_if $panel (i32.lt_u (local.get $p) (local.get $panels)))))

  (func (export "depthwise")
    (param $src i32) (param $w i32) (param $koff i32) (param $k i32) (param $c i32) (param $row i32)
    (param $wide i32) (param $high i32) (param $bias f32) (param $lo f32) (param $hi f32)
    (local $x i32) (local $kp i32) (local $end i32) (local $wp i32) (local $from i32) (local $at i32) (local $out i32)
    (local $weight v128) (local $low v128) (local $high4 v128) (local $first v128) (local $c0 v128) (local $c1 v128)
    (local.set $low (f32x4.splat (local.get $lo)))
    (local.set $high4 (f32x4.splat (local.get $hi)))
    (local.set $first (f32x4.splat (local.get $bias)))
    (local.set $end (i32.add (local.get $koff) (i32.shl (local.get $k) (i32.const 2))))
    (loop $line
      (local.set $x (i32.const 0))
      (local.set $out (local.get $c))
      (local.set $from (local.get $src))
      (loop $eight
        (local.set $c0 (local.get $first))
        (local.set $c1 (local.get $first))
        (local.set $wp (local.get $w))
        (local.set $kp (local.get $koff))
        (loop $sum
          (local.set $at (i32.add (local.get $from) (i32.load (local.get $kp))))
          (local.set $weight (v128.load32_splat (local.get $wp)))
          (local.set $c0 (f32x4.relaxed_madd (local.get $weight) (v128.load (local.get $at)) (local.get $c0)))
          (local.set $c1 (f32x4.relaxed_madd (local.get $weight) (v128.load offset=16 (local.get $at)) (local.get $c1)))
          (local.set $wp (i32.add (local.get $wp) (i32.const 4)))
          (br_if $sum (i32.lt_u (local.tee $kp (i32.add (local.get $kp) (i32.const 4))) (local.get $end))))
        (v128.store (local.get $out) (f32x4.max (local.get $low) (f32x4.min (local.get $high4) (local.get $c0))))
        (v128.store offset=16 (local.get $out) (f32x4.max (local.get $low) (f32x4.min (local.get $high4) (local.get $c1))))
        (local.set $out (i32.add (local.get $out) (i32.const 32)))
        (local.set $from (i32.add (local.get $from) (i32.const 32)))
        (br_if $eight (i32.lt_u (local.tee $x (i32.add (local.get $x) (i32.const 8))) (local.get $wide))))
      (local.set $src (i32.add (local.get $src) (local.get $row)))
      (local.set $c (i32.add (local.get $c) (i32.shl (local.get $wide) (i32.const 2))))
      (br_if $line (local.tee $high (i32.sub (local.get $high) (i32.const 1))))))

  (func (export "frame")
    (param $from i32) (param $a i32) (param $b i32) (param $step i32) (param $wide i32) (param $high i32) (param $row i32)
    (local $end i32) (local $to i32) (local $apart i32)
    (local.set $apart (i32.sub (local.get $b) (local.get $a)))
    (loop $line
      (local.set $to (local.get $a))
      (local.set $end (i32.add (local.get $from) (i32.shl (i32.and (local.get $wide) (i32.const -2)) (i32.const 2))))
      (if (i32.lt_u (local.get $from) (local.get $end)) (then
        (loop $two
          (i32.store (local.get $to) (i32.load (local.get $from)))
          (i32.store (i32.add (local.get $to) (local.get $apart)) (i32.load offset=4 (local.get $from)))
          (local.set $to (i32.add (local.get $to) (local.get $step)))
          (br_if $two (i32.lt_u (local.tee $from (i32.add (local.get $from) (i32.const 8))) (local.get $end))))))
      (if (i32.and (local.get $wide) (i32.const 1)) (then
        (i32.store (local.get $to) (i32.load (local.get $from)))
        (local.set $from (i32.add (local.get $from) (i32.const 4)))))
      (local.set $a (i32.add (local.get $a) (local.get $row)))
      (br_if $line (local.tee $high (i32.sub (local.get $high) (i32.const 1)))))))
