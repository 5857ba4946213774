// Variants by `define: NSR/NSS address copies region/slot; SLICE_FAN extra fan-out level for region address;
// MERGE_DECIDE decide folded into the head; SLOT_FAN extra address level before slot; RESP2 absent in its own level;
// B64 unsplit 64-bit comparisons ; POS_SPLIT position subtraction split in two with carry select
`ifndef NSR
`define NSR 6
`endif
`ifndef NSS
`define NSS 4
`endif
module lookup(input clk, input rst,
  // CAM result level
  input c_v, input c_hit, input [5:0] c_tbl, input [31:0] c_key, input [15:0] c_pd, input [2:0] c_op, input [63:0] c_va,
  input [12:0] c_len, input [31:0] c_bound, input [23:0] c_stream, input [7:0] c_tag, input [1:0] c_wr,
  // staged update
  input u_twe, input [5:0] u_ta, input [39:0] u_td, input [11:0] u_ra, input [217:0] u_rd, input [13:0] u_sa, input [38:0] u_sd,
  // response
  output reg o_v, input o_rdy, output reg [7:0] o_tag, output reg [23:0] o_stream, output reg [3:0] o_fault, output reg [47:0] o_pa,
  output reg [12:0] o_span, output reg [5:0] o_tbl, output reg o_first, output reg o_last, output reg credit_back);
  integer k;
  localparam DL_SL = 2
`ifdef SLICE_FAN
   +1
`endif
`ifdef REGION3
   +1
`endif
  ; // levels from slice register to region output register
  // ---------- table [1]: distributed RAM read into a register
  reg [39:0] tmem [0:63];
  always @(posedge clk) if (u_twe) tmem[u_ta] <= u_td;
  reg t_v; reg [1:0] t_wr; reg [39:0] t_w; reg t_hit; reg [5:0] t_tbl; reg [31:0] t_key; reg [15:0] t_pd; reg [63:0] t_va; reg [12:0] t_len;
  reg [31:0] t_end_lo; reg t_end_c; reg [23:0] t_stream; reg [7:0] t_tag; reg [3:0] t_need; reg t_atomic, t_inv, t_nokey;
  wire [32:0] endlo = c_va[31:0] + c_bound;
`ifdef TABLE2
  reg [39:0] t_w0; reg x_v; // (not used)
`endif
  always @(posedge clk) begin
    t_v <= c_v & ~rst; t_wr <= c_wr & {2{c_v}}; t_w <= tmem[c_tbl]; t_hit <= c_hit; t_tbl <= c_tbl; t_key <= c_key; t_pd <= c_pd; t_va <= c_va; t_len <= c_len;
    t_end_lo <= endlo[31:0]; t_end_c <= endlo[32]; t_stream <= c_stream; t_tag <= c_tag;
    t_atomic <= c_op==2; t_need <= {c_op==2, c_op==0, c_op==1, c_op==4};
    t_inv <= c_op>4; t_nokey <= (c_bound==0) && c_op!=2;
  end
  // ---------- slice [1]
  reg s_v; reg s_wrs;
  localparam SW = 1+1+6+8+16+64+65+13+24+8+4+1+1+4+14+1;  // carried
  wire [11:0] raddr = t_w[39:28] + t_key[19:8];
  wire [13:0] rcount = {1'b0,t_w[27:15]};
  wire [23:0] idx = t_key[31:8];
  // index < count : split: high 11 bits zero and low 13 < count
  reg s_idxlow, s_idxhigh; reg s_lozero;
  reg [32:0] s_end_hi; reg [31:0] s_end_lo; reg [63:0] s_va; reg [7:0] s_var; reg [15:0] s_pd; reg [12:0] s_len; reg [23:0] s_stream; reg [7:0] s_tag;
  reg [5:0] s_tbl; reg [3:0] s_need; reg s_atomic, s_nokey; reg [3:0] s_early; reg [13:0] s_sbase; reg s_len8;
  wire s_we_d = t_v & t_wr[0];
`ifdef SLICE_FAN
  reg [11:0] s_raddr; reg s_we; always @(posedge clk) begin s_raddr <= raddr; s_we <= s_we_d; end
  wire [11:0] copy_d = s_raddr; wire copy_we = s_we;
`else
  wire [11:0] copy_d = raddr; wire copy_we = s_we_d;
`endif
  wire [`NSR*12-1:0] r_addr; wire [`NSR-1:0] r_we;
  reg_copies #(.W(12), .N(`NSR)) rc(.clk(clk), .d(copy_d), .q(r_addr));
  reg_copies #(.W(1), .N(`NSR)) rw(.clk(clk), .d(copy_we), .q(r_we));
  reg [11:0] ura; reg [217:0] urd; always @(posedge clk) begin ura <= u_ra; urd <= u_rd; end
  wire [`NSR*12-1:0] ura_c; reg_copies #(.W(12), .N(`NSR)) uc(.clk(clk), .d(ura), .q(ura_c));
  wire [217:0] rrec;
`ifdef REGION3
  reg [217:0] rrec_q; always @(posedge clk) rrec_q <= rrec;
`else
  wire [217:0] rrec_q = rrec;
`endif

  bram_ecp5 #(.W(218), .AW(12), .NR(`NSR), .NW(`NSR)) region(.clk(clk), .we(r_we), .waddr(ura_c), .wdata(urd), .raddr(r_addr), .rdata(rrec));
  always @(posedge clk) begin
    s_v <= t_v & ~rst; s_wrs <= t_v & t_wr[1];
    s_end_hi <= {1'b0,t_va[63:32]} + t_end_c; s_end_lo <= t_end_lo; s_va <= t_va; s_var <= t_key[7:0]; s_pd <= t_pd; s_len <= t_len; s_stream <= t_stream; s_tag <= t_tag;
    s_tbl <= t_tbl; s_need <= t_need; s_atomic <= t_atomic; s_nokey <= t_nokey; s_len8 <= t_len==8;
    s_early <= !t_hit ? 4'd1 : t_w[0] ? 4'd2 : t_inv ? 4'd15 : 4'd0;
    s_sbase <= t_w[14:1]; s_lozero <= t_end_lo==0;
    s_idxlow <= idx[12:0] < rcount; s_idxhigh <= idx[23:13]==0;
  end
  wire [SW:0] sbus = {s_v, s_wrs, s_end_hi, s_end_lo, s_va, s_var, s_pd, s_len, s_stream, s_tag, s_tbl, s_need, s_atomic, s_nokey, s_early, s_sbase, s_len8, (s_idxlow & s_idxhigh)};
  reg w_a, w_b; reg [DL_SL-2:0] wrap_d; // ADDRESS_WRAP, ready long before it is needed
  always @(posedge clk) begin w_a <= s_end_hi[32]; w_b <= (s_end_hi[31:0]!=0) | ~s_lozero; wrap_d[0] <= w_a & w_b; for (k=1;k<DL_SL-1;k=k+1) wrap_d[k] <= wrap_d[k-1]; end
  wire r_wrap = wrap_d[DL_SL-2];
  reg [12:0] r_room; always @(posedge clk) r_room <= 13'd4096 - dl[DL_SL-2][64 +: 13];
  reg [SW:0] dl [0:DL_SL-1];
  always @(posedge clk) begin dl[0] <= sbus; for (k=1;k<DL_SL;k=k+1) dl[k] <= dl[k-1]; end
  wire r_v, r_wrs; wire [32:0] r_end_hi; wire [31:0] r_end_lo; wire [63:0] r_va; wire [7:0] r_var; wire [15:0] r_pd; wire [12:0] r_len; wire [23:0] r_stream;
  wire [7:0] r_tag; wire [5:0] r_tbl; wire [3:0] r_need; wire r_atomic, r_nokey; wire [3:0] r_early; wire [13:0] r_sbase; wire r_len8, r_inslice;
  assign {r_v, r_wrs, r_end_hi, r_end_lo, r_va, r_var, r_pd, r_len, r_stream, r_tag, r_tbl, r_need, r_atomic, r_nokey, r_early, r_sbase, r_len8, r_inslice} = dl[DL_SL-1];
  // ---------- region record (output register inside the block RAM)
  wire m_valid; wire [7:0] m_var; wire [15:0] m_pd; wire [3:0] m_rights; wire [1:0] m_ps; wire [63:0] m_base; wire [64:0] m_limit; wire [43:0] m_origin; wire [13:0] m_first;
  assign {m_valid, m_var, m_pd, m_rights, m_ps, m_base, m_limit, m_origin, m_first} = rrec_q;
`ifdef REGION3_unused
  // one more plain register level behind the block RAM (for comparison)
`endif
  // ---------- bounds [1]
  reg b_v, b_wrs; reg [5:0] b_tbl; reg [23:0] b_stream; reg [7:0] b_tag; reg [12:0] b_len; reg [3:0] b_early; reg b_decided, b_valid, b_inslice, b_wrap, b_atomic, b_len8;
  reg [12:0] b_room; reg [1:0] b_var, b_rights; reg [3:0] b_pd; wire b_key = ~b_valid | ~b_inslice | (|b_var); reg b_va_lo, b_va_hi, b_va_gt, b_end_lo, b_end_hi, b_end_gt; reg [1:0] b_ps; reg [13:0] b_slot; reg [43:0] b_pos;
  // x < y  <=> borrow of x - y (subtraction: the inversion sits inside the carry cells)
  function lt32(input [31:0] x, input [31:0] y); reg [32:0] s; begin s = {1'b0,x} - {1'b0,y}; lt32 = s[32]; end endfunction
  function lt33(input [32:0] x, input [32:0] y); reg [33:0] s; begin s = {1'b0,x} - {1'b0,y}; lt33 = s[33]; end endfunction
  function lt65(input [64:0] x, input [64:0] y); reg [65:0] s; begin s = {1'b0,x} - {1'b0,y}; lt65 = s[65]; end endfunction
  always @(posedge clk) begin
    b_v <= r_v & ~rst; b_wrs <= r_wrs; b_tbl <= r_tbl; b_stream <= r_stream; b_tag <= r_tag; b_len <= r_len; b_room <= r_room; b_early <= r_early; b_decided <= r_nokey | r_early!=0;
    b_valid <= m_valid; b_inslice <= r_inslice; b_var <= {m_var[7:4] != r_var[7:4], m_var[3:0] != r_var[3:0]};
    b_pd <= {m_pd[15:12]!=r_pd[15:12], m_pd[11:8]!=r_pd[11:8], m_pd[7:4]!=r_pd[7:4], m_pd[3:0]!=r_pd[3:0]};
    b_rights <= {|(r_need[3:2] & ~m_rights[3:2]), |(r_need[1:0] & ~m_rights[1:0])}; b_wrap <= r_wrap; b_atomic <= r_atomic; b_len8 <= r_len8;
`ifdef B64
    b_va_lo <= 0; b_va_hi <= lt65({1'b0,r_va},{1'b0,m_base}); b_va_gt <= 0;
    b_end_lo <= 0; b_end_hi <= lt65(m_limit, {r_end_hi,r_end_lo}); b_end_gt <= 0;
`else
    b_va_lo <= lt32(r_va[31:0], m_base[31:0]); b_va_hi <= lt32(r_va[63:32], m_base[63:32]); b_va_gt <= lt32(m_base[63:32], r_va[63:32]);
    b_end_lo <= lt32(m_limit[31:0], r_end_lo); b_end_hi <= lt33(m_limit[64:32], r_end_hi); b_end_gt <= lt33(r_end_hi, m_limit[64:32]);
`endif
    b_pos <= r_va[43:0] - m_origin; b_ps <= m_ps; b_slot <= r_sbase + m_first;
  end
  // ---------- decide
  // rows up to ADDRESS_WRAP become a code here; the last two rows stay flags and are merged behind the head
  wire oob = b_va_hi | (b_va_lo & ~b_va_gt) | b_end_hi | (b_end_lo & ~b_end_gt);
  wire mis = b_atomic & (~b_len8 | b_pos[2:0]!=0);
  wire b_found = b_key | (|b_pd) | (|b_rights) | b_wrap;
  wire [3:0] code = b_decided ? b_early : b_key ? 4'd3 : (|b_pd) ? 4'd4 : (|b_rights) ? 4'd5 : b_wrap ? 4'd6 : 4'd0;
  wire done = b_decided | b_found;
  wire [5:0] fault = {done, oob, code};
  wire stop = b_decided | b_found | oob | mis;   // one beat, no slot needed
  wire d_empty_w = stop;
  wire [13:0] page = b_ps==0 ? b_pos[25:12] : b_ps==1 ? b_pos[29:16] : b_ps==2 ? b_pos[34:21] : b_pos[43:30];
  wire [13:0] slot_w = b_slot + page;
  wire [13:0] endoff = {1'b0,b_len} + b_pos[11:0];        // <= 8191
  // more than one span <=> first offset > 4096 - length
  wire [13:0] over = {1'b0,b_room} - {2'b0,b_pos[11:0]};
  wire single_w = ~over[13];
  wire cross_w = b_ps==0 ? 1'b1 : b_ps==1 ? (&b_pos[15:12]) : b_ps==2 ? (&b_pos[20:12]) : (&b_pos[29:12]);
  localparam DW = 1+6+24+8+6+1+13+13+1+2+14+30+1;
  wire [DW-1:0] dec = {b_wrs, b_tbl, b_stream, b_tag, fault, d_empty_w, b_len, endoff[12:0], single_w, b_ps, slot_w, b_pos[29:0], cross_w};
  wire dq_v; wire [DW-1:0] dq;
`ifdef MERGE_DECIDE
  assign dq_v = b_v; assign dq = dec;
`else
  reg d_v; reg [DW-1:0] d; always @(posedge clk) begin d_v <= b_v & ~rst; d <= dec; end
  assign dq_v = d_v; assign dq = d;
`endif
  // ---------- expand: head register = span generator
  reg h_v; wire take; wire qv; wire [DW-1:0] qd;
  queue #(.W(DW), .LG(5)) fq(.clk(clk), .rst(rst), .in_valid(dq_v), .in(dq), .take(take), .head_from_valid(qv), .head_from(qd));
  reg h_wrs; reg [5:0] h_tbl; reg [23:0] h_stream; reg [7:0] h_tag; reg [5:0] h_fault; reg h_empty; reg [12:0] h_len, h_endoff; reg h_last; reg [1:0] h_ps;
  reg [13:0] h_slot; reg [29:0] h_pos; reg h_first; reg go;
  wire q_wrs; wire [5:0] q_tbl; wire [23:0] q_stream; wire [7:0] q_tag; wire [5:0] q_fault; wire q_empty; wire [12:0] q_len, q_endoff; wire q_single; wire [1:0] q_ps; wire [13:0] q_slot; wire [29:0] q_pos; wire q_z;
  assign {q_wrs,q_tbl,q_stream,q_tag,q_fault,q_empty,q_len,q_endoff,q_single,q_ps,q_slot,q_pos,q_z} = qd;
  // h_done = idle or at its last span: registered, so that the select of the head costs no logic
  reg h_done; wire move = go | ~h_v;
  assign take = h_done & move;
  wire adv = go & h_v;
  // whether the span after the next one starts a new page
  reg h_cross;
  wire ncross = h_ps==0 ? 1'b1 : h_ps==1 ? (&h_pos[15:13] & ~h_pos[12]) : h_ps==2 ? (&h_pos[20:13] & ~h_pos[12]) : (&h_pos[29:13] & ~h_pos[12]);
  wire [14:0] slot_n = {h_slot,1'b1} + {14'b0,h_cross};
  always @(posedge clk) begin
    if (take) begin h_wrs<=q_wrs; h_tbl<=q_tbl; h_stream<=q_stream; h_tag<=q_tag; h_fault<=q_fault; h_empty<=q_empty; h_len<=q_len; h_endoff<=q_endoff; h_ps<=q_ps; end
    if (move) begin
      h_last <= h_done ? q_single | q_empty : 1'b1;
      h_done <= h_done ? ~qv | q_single | q_empty : 1'b1;
      h_first <= h_done; h_slot <= h_done ? q_slot : slot_n[14:1]; h_cross <= h_done ? q_z : ncross; h_pos <= h_done ? q_pos : {h_pos[29:12]+1'b1, 12'b0};
      h_v <= h_done ? qv : 1'b1;
    end
    if (rst) h_done <= 1;
    if (rst) h_v <= 0;
  end
  // ---------- slot [2 (+1)]
  wire [`NSS*14-1:0] sl_a; wire [`NSS-1:0] sl_we;
`ifdef SLOT_FAN
  reg_copies #(.W(14), .N(`NSS)) sc(.clk(clk), .d(h_slot), .q(sl_a));
  reg_copies #(.W(1), .N(`NSS)) sw(.clk(clk), .d(h_v & go & h_wrs), .q(sl_we));
  localparam DL_SLOT = 3;
`else
  assign sl_a = {`NSS{h_slot}}; assign sl_we = {`NSS{h_v & go & h_wrs}};
  localparam DL_SLOT = 2;
`endif
  reg [13:0] usa; reg [38:0] usd; always @(posedge clk) begin usa <= u_sa; usd <= u_sd; end
  wire [`NSS*14-1:0] usa_c; reg_copies #(.W(14), .N(`NSS)) uc2(.clk(clk), .d(usa), .q(usa_c));
  wire [38:0] srec;
  bram_ecp5 #(.W(39), .AW(14), .NR(`NSS), .NW(`NSS)) slot(.clk(clk), .we(sl_we), .waddr(usa_c), .wdata(usd), .raddr(sl_a), .rdata(srec));
  // beat fields along the slot read
  localparam PW = 1+6+24+8+4+1+1+1+2+30+13;
  reg x_v; reg [5:0] x_tbl; reg [23:0] x_stream; reg [7:0] x_tag; reg [3:0] x_fault; reg x_none, x_first, x_last; reg [1:0] x_ps; reg [29:0] x_pos; reg [12:0] x_span;
  wire none = h_empty | h_len==0;
  wire [3:0] hf = h_fault[5] ? h_fault[3:0] : h_fault[4] ? 4'd7 : h_empty ? 4'd8 : 4'd0;
  wire [12:0] span0 = h_last ? (h_first ? h_len : {1'b0,h_endoff[11:0]}) : 13'd4096 - h_pos[11:0];
  always @(posedge clk) begin
    x_v <= h_v & go & ~rst & ~h_wrs; x_tbl<=h_tbl; x_stream<=h_stream; x_tag<=h_tag; x_fault<=hf; x_none<=none; x_first<=h_first; x_last<=h_last; x_ps<=h_ps; x_pos<=h_pos;
    x_span <= span0;
  end
  // second level: zero what means nothing, mask
  reg [17:0] mask; always @* case (x_ps) 2'd0: mask=18'd0; 2'd1: mask=18'h0000f; 2'd2: mask=18'h001ff; default: mask=18'h3ffff; endcase
  reg y_v; reg [5:0] y_tbl; reg [23:0] y_stream; reg [7:0] y_tag; reg [3:0] y_fault; reg y_none,y_first,y_last; reg [1:0] y_ps; reg [29:0] y_pos; reg [12:0] y_span; reg [17:0] y_mask;
  always @(posedge clk) begin y_v<=x_v&~rst; y_tbl<=x_tbl; y_stream<=x_stream; y_tag<=x_tag; y_fault<=x_fault; y_none<=x_none; y_first<=x_first; y_last<=x_last; y_ps<=x_ps; y_mask<=mask;
    y_pos<={x_pos[29:12] & mask, x_pos[11:0]}; y_span<=x_none?13'd0:x_span; end
  localparam YW=1+6+24+8+4+1+1+1+2+30+13+18;
  wire [YW-1:0] yb = {y_v,y_tbl,y_stream,y_tag,y_fault,y_none,y_first,y_last,y_ps,y_pos,y_span,y_mask};
  wire z_v; wire [5:0] z_tbl; wire [23:0] z_stream; wire [7:0] z_tag; wire [3:0] z_fault; wire z_none,z_first,z_last; wire [1:0] z_ps; wire [29:0] z_pos; wire [12:0] z_span; wire [17:0] z_mask;
`ifdef SLOT_FAN
  reg [YW-1:0] yb2; always @(posedge clk) yb2 <= yb;
  assign {z_v,z_tbl,z_stream,z_tag,z_fault,z_none,z_first,z_last,z_ps,z_pos,z_span,z_mask} = yb2;
`else
  assign {z_v,z_tbl,z_stream,z_tag,z_fault,z_none,z_first,z_last,z_ps,z_pos,z_span,z_mask} = yb;
`endif
  // ---------- respond
  wire s_present = srec[38]; wire [1:0] s_ps = srec[37:36]; wire [35:0] s_frame = srec[35:0];
  wire [35:0] mframe = {s_frame[35:18], (s_frame[17:0] & ~z_mask) | z_pos[29:12]};
  wire absent = ~z_none & (~s_present | s_ps != z_ps);
  reg killed;
  localparam RW = 8+24+4+48+13+6+1+1;
  wire r_in_v; wire [RW-1:0] r_in;
`ifdef RESP2
  reg w_v; reg [RW-1:0] w; reg w_np, w_bad, w_none;
  wire w_absent = ~w_none & (w_np | w_bad);
  always @(posedge clk) begin
    w_v <= z_v & ~rst; w_np <= ~s_present; w_bad <= s_ps != z_ps;
    w <= {z_tag,z_stream,z_fault,mframe,z_pos[11:0],z_span,z_tbl,z_first,z_last}; w_none <= z_none;
    if (w_v) killed <= (killed & ~w[1]) | w_absent;
  end
  wire kill = killed & ~w[1];
  wire [3:0] wf = w_absent ? 4'd9 : w[RW-33 -: 4];
  wire zero = w_absent | w_none;
  assign r_in_v = w_v & ~kill;
  assign r_in = {w[RW-1 -: 32], wf, w[68:8+13] & ~{48{zero}}, w[20:8] & ~{13{w_absent}}, w[7:2], w[1], w[0] | w_absent};
`else
  always @(posedge clk) if (z_v) killed <= (killed & ~z_first) | absent;
  wire kill = killed & ~z_first;
  wire zero = absent | z_none;
  assign r_in_v = z_v & ~kill;
  assign r_in = {z_tag, z_stream, absent ? 4'd9 : z_fault, {mframe, z_pos[11:0]} & ~{48{zero}}, z_span & ~{13{absent}}, z_tbl, z_first, z_last | absent};
`endif
  wire otake = ~o_v | o_rdy; wire rqv; wire [RW-1:0] rqd;
  queue #(.W(RW), .LG(4)) rq(.clk(clk), .rst(rst), .in_valid(r_in_v), .in(r_in), .take(otake), .head_from_valid(rqv), .head_from(rqd));
  reg [4:0] cnt; reg back;
  wire ret = (o_v & o_rdy);
  reg killret;
  always @(posedge clk) begin
    if (otake) begin {o_tag,o_stream,o_fault,o_pa,o_span,o_tbl,o_first,o_last} <= rqd; o_v <= rqv; end
    // credits: issued beats not yet popped; popped = left at output, or killed
    back <= ret; killret <= 
`ifdef RESP2
      (w_v & kill)
`else
      (z_v & kill)
`endif
      | (h_v & go & h_wrs);
    cnt <= cnt + (h_v & go) - back - killret;
    go <= cnt < 13;
    credit_back <= h_v & go & h_last;
    if (rst) begin o_v <= 0; cnt <= 0; go <= 0; end
  end
endmodule
