// Brings one virtual machine up on preset roce and asks for one write. See docs/bring-up.md.
//
//   cargo run --release -- generate --preset roce
//   iverilog -g2005 -s bring_up -o bring_up.vvp docs/examples/bring_up.v verilog-out/roce/*.v
//   vvp bring_up.vvp

`timescale 1ns / 1ps

module bring_up;

  reg          clk = 1'b0;
  reg          rst = 1'b1;
  reg          req_valid = 1'b0;
  wire         req_ready;
  reg          upd_valid = 1'b0;
  wire         upd_ready;
  reg  [4:0]   upd_op = 5'd0;
  reg  [15:0]  upd_arg_table = 16'd0;
  reg  [31:0]  upd_arg_index = 32'd0;
  reg  [63:0]  upd_arg_data = 64'd0;
  wire         upd_done;
  wire [7:0]   upd_error;
  wire [63:0]  upd_result;
  wire         rsp_valid;
  wire [7:0]   rsp_tag;
  wire [23:0]  rsp_stream;
  wire [7:0]   rsp_fault;
  wire [47:0]  rsp_pa;
  wire [12:0]  rsp_span;
  wire [5:0]   rsp_table;
  wire         rsp_epoch;
  wire         rsp_first;
  wire         rsp_last;
  reg          ret_valid = 1'b0;
  reg  [5:0]   ret_table = 6'd0;
  reg  [35:0]  ret_frame = 36'd0;
  reg          ret_epoch = 1'b0;
  wire         init_done;

  integer cycle = 0;
  integer accepted = 0;
  integer offered = 0;

  always #2 clk = !clk;  // 250 MHz
  always @(posedge clk) cycle <= cycle + 1;

  mapping_unit unit (
    .clk          (clk),
    .rst          (rst),
    .req_valid    (req_valid),
    .req_ready    (req_ready),
    .req_net_id   (128'h0000_0000_0000_0000_0000_ffff_0a00_0102),
    .req_tag      (8'd7),
    .req_stream   (24'h00_0011),
    .req_pd       (16'd1),
    .req_op       (3'd1),
    .req_key      (32'h0000_05ee),
    .req_va       (64'h0000_7f12_3456_8f80),
    .req_length   (13'h100),
    .req_bound    (32'h100),
    .rsp_ready    (1'b1),
    .rsp_valid    (rsp_valid),
    .rsp_tag      (rsp_tag),
    .rsp_stream   (rsp_stream),
    .rsp_fault    (rsp_fault),
    .rsp_pa       (rsp_pa),
    .rsp_span     (rsp_span),
    .rsp_table    (rsp_table),
    .rsp_epoch    (rsp_epoch),
    .rsp_first    (rsp_first),
    .rsp_last     (rsp_last),
    .upd_valid    (upd_valid),
    .upd_ready    (upd_ready),
    .upd_op       (upd_op),
    .upd_arg_table(upd_arg_table),
    .upd_arg_index(upd_arg_index),
    .upd_arg_data (upd_arg_data),
    .upd_done     (upd_done),
    .upd_error    (upd_error),
    .upd_result   (upd_result),
    .ret_valid    (ret_valid),
    .ret_table    (ret_table),
    .ret_frame    (ret_frame),
    .ret_write    (1'b1),
    .ret_epoch    (ret_epoch),
    .init_done    (init_done)
  );

  // The memory side: every span with bytes is retired exactly once, when its last write response is in. Here memory
  // takes no time, so that is the cycle after the beat was taken; rsp_ready is always high.
  always @(posedge clk) begin
    ret_valid <= rsp_valid && rsp_span != 13'd0;
    ret_table <= rsp_table;
    ret_frame <= rsp_pa[47:12];
    ret_epoch <= rsp_epoch;
  end

  // One command: hold the arguments until upd_ready, then wait for upd_done.
  task update(input [4:0] op, input [15:0] table_number, input [31:0] index, input [63:0] data);
    begin
      @(negedge clk);
      upd_valid = 1'b1;
      upd_op = op;
      upd_arg_table = table_number;
      upd_arg_index = index;
      upd_arg_data = data;
      offered = cycle;
      while (!upd_ready) @(negedge clk);
      @(negedge clk);
      upd_valid = 1'b0;
      while (!upd_done) @(negedge clk);
      if (upd_error != 8'd0) begin
        $display("update %0d refused: error %0d", op, upd_error);
        $finish;
      end
      $display("update %0d answered after %0d cycles", op, cycle - offered);
    end
  endtask

  task stage(input [31:0] word, input [63:0] value);
    update(5'd0, 16'd0, word, value);
  endtask

  initial begin
    repeat (4) @(negedge clk);
    rst = 1'b0;
    while (!init_done) @(negedge clk);
    $display("init_done after %0d cycles", cycle - 4);

    stage(0, 64'h0000_0020_0000_0040);          // 32 regions from 0x40
    stage(1, 64'h0000_0080_0000_0100);          // 128 slots from 0x100
    stage(2, 64'h0000_0000_0004_0000);          // window from frame 0x40000 (1 GiB)
    stage(3, 64'h0000_0000_0004_0000);          // of 0x40000 frames (1 GiB)
    update(5'd1, 16'd3, 32'd0, 64'd0);          // set_table 3

    update(5'd9, 16'd3, 32'h10, 64'h40123);     // set_slot 0x10, 4 KiB page at frame 0x40123
    update(5'd9, 16'd3, 32'h11, 64'h40200);
    update(5'd9, 16'd3, 32'h12, 64'h40055);

    stage(0, 64'h0000_7f12_3456_7800);          // base
    stage(1, 64'h0000_0000_0000_2000);          // length
    stage(2, 64'h0000_0007_0000_0800);          // local_write, remote_write, remote_read; first_offset 0x800
    stage(3, 64'h0000_0001_0000_0010);          // pd 1, first_slot 0x10
    update(5'd7, 16'd3, 32'h0000_05ee, 64'd0);  // install key 0x5ee: index 5, variant 0xee

    stage(0, 64'h0000_ffff_0a00_0102);          // ::ffff:10.0.1.2
    stage(1, 64'd0);
    stage(2, 64'd0);
    update(5'd3, 16'd3, 32'd0, 64'd0);          // bind it to table 3

    update(5'd14, 16'd3, 32'd5, 64'h0102);      // peek region 5, word 1: base + length
    $display("limit %h", upd_result);

    req_valid = 1'b1;
    while (!req_ready) @(negedge clk);
    accepted = cycle;
    @(negedge clk);
    req_valid = 1'b0;
    update(5'd8, 16'd3, 32'h0000_05ee, 64'd0);  // invalidate the key: waits until both spans are retired
    $finish;
  end

  always @(negedge clk)
    if (rsp_valid)
      $display("beat %0d cycles after the request: fault %0d, pa %h, span %0d, table %0d, first %b, last %b",
               cycle - accepted, rsp_fault, rsp_pa, rsp_span, rsp_table, rsp_first, rsp_last);

endmodule
