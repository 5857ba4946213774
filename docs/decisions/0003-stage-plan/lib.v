// Simple dual-port block RAM: port A writes, port B reads, output register on B (2 levels).
// AW address bits; W data bits; data bits per DP16KD from depth. CP address copies given as bus.
module bram_ecp5 #(parameter W=8, parameter AW=12, parameter NR=1, parameter NW=1, parameter OUTREG=1) (
  input clk, input [NW-1:0] we, input [NW*AW-1:0] waddr, input [W-1:0] wdata,
  input [NR*AW-1:0] raddr, output [W-1:0] rdata);
  localparam DW = AW<=10 ? 18 : AW==11 ? 9 : AW==12 ? 4 : AW==13 ? 2 : 1;
  localparam SH = AW<=10 ? 4 : AW==11 ? 3 : AW==12 ? 2 : AW==13 ? 1 : 0;
  localparam N = (W+DW-1)/DW;
  wire [N*DW-1:0] wd = wdata; wire [N*DW-1:0] rd; assign rdata = rd[W-1:0];
  genvar i;
  generate for (i=0;i<N;i=i+1) begin: m
    wire [AW-1:0] wa = waddr[((i*NW)/N)*AW +: AW];
    wire [AW-1:0] ra = raddr[((i*NR)/N)*AW +: AW];
    wire w = we[(i*NW)/N];
    wire [13:0] a = (wa << SH) | (DW==18 ? 14'd3 : 14'd0);
    wire [13:0] b = (ra << SH);
    wire [17:0] di = wd[i*DW +: DW];
    wire [17:0] dout;
    assign rd[i*DW +: DW] = dout[DW-1:0];
    DP16KD #(.DATA_WIDTH_A(DW), .DATA_WIDTH_B(DW), .REGMODE_A("NOREG"), .REGMODE_B(OUTREG ? "OUTREG" : "NOREG"),
      .RESETMODE("SYNC"), .ASYNC_RESET_RELEASE("SYNC"), .CSDECODE_A("0b000"), .CSDECODE_B("0b000"),
      .CLKAMUX("CLKA"), .CLKBMUX("CLKB"), .WRITEMODE_A("NORMAL"), .WRITEMODE_B("NORMAL"), .GSR("DISABLED")) ram (
      .CLKA(clk), .CEA(1'b1), .OCEA(1'b1), .WEA(w), .RSTA(1'b0), .CSA0(1'b0), .CSA1(1'b0), .CSA2(1'b0),
      .ADA0(a[0]), .ADA1(a[1]), .ADA2(a[2]), .ADA3(a[3]), .ADA4(a[4]), .ADA5(a[5]), .ADA6(a[6]), .ADA7(a[7]),
      .ADA8(a[8]), .ADA9(a[9]), .ADA10(a[10]), .ADA11(a[11]), .ADA12(a[12]), .ADA13(a[13]),
      .DIA0(di[0]), .DIA1(di[1]), .DIA2(di[2]), .DIA3(di[3]), .DIA4(di[4]), .DIA5(di[5]), .DIA6(di[6]), .DIA7(di[7]),
      .DIA8(di[8]), .DIA9(di[9]), .DIA10(di[10]), .DIA11(di[11]), .DIA12(di[12]), .DIA13(di[13]), .DIA14(di[14]),
      .DIA15(di[15]), .DIA16(di[16]), .DIA17(di[17]),
      .CLKB(clk), .CEB(1'b1), .OCEB(1'b1), .WEB(1'b0), .RSTB(1'b0), .CSB0(1'b0), .CSB1(1'b0), .CSB2(1'b0),
      .ADB0(b[0]), .ADB1(b[1]), .ADB2(b[2]), .ADB3(b[3]), .ADB4(b[4]), .ADB5(b[5]), .ADB6(b[6]), .ADB7(b[7]),
      .ADB8(b[8]), .ADB9(b[9]), .ADB10(b[10]), .ADB11(b[11]), .ADB12(b[12]), .ADB13(b[13]),
      .DOB0(dout[0]), .DOB1(dout[1]), .DOB2(dout[2]), .DOB3(dout[3]), .DOB4(dout[4]), .DOB5(dout[5]), .DOB6(dout[6]),
      .DOB7(dout[7]), .DOB8(dout[8]), .DOB9(dout[9]), .DOB10(dout[10]), .DOB11(dout[11]), .DOB12(dout[12]),
      .DOB13(dout[13]), .DOB14(dout[14]), .DOB15(dout[15]), .DOB16(dout[16]), .DOB17(dout[17]));
  end endgenerate
endmodule

(* keep_hierarchy *)
module reg_copy #(parameter W=1) (input clk, input [W-1:0] d, output reg [W-1:0] q);
  always @(posedge clk) q <= d;
endmodule
module reg_copies #(parameter W=1, parameter N=1) (input clk, input [W-1:0] d, output [N*W-1:0] q);
  genvar i; generate for (i=0;i<N;i=i+1) begin: c reg_copy #(.W(W)) r(.clk(clk), .d(d), .q(q[i*W +: W])); end endgenerate
endmodule

// queue with registered head and bypass. Q1=1 adds a prefetch register between memory and head.
// The memory keeps everything not in head (or q1).
module queue #(parameter W=8, parameter LG=5) (input clk, input rst, input in_valid, input [W-1:0] in,
   input take, output head_from_valid, output [W-1:0] head_from);
`ifdef Q1
  // prefetch register q1 between memory and head; both are bypassed when empty, so it costs no cycle.
  // Every entry is written, also one that takes the bypass: the write enable does not depend on `take`.
  reg q1v; reg [W-1:0] q1; reg [LG-1:0] wp, rp, rp1; reg memv; reg [W-1:0] mem [0:(1<<LG)-1];
  assign head_from_valid = q1v | in_valid;
  assign head_from = q1v ? q1 : in;
  wire q1take = take | ~q1v;
  always @(posedge clk) begin
    if (in_valid) mem[wp] <= in;
    if (in_valid) wp <= wp + 1'b1;
    if (q1take & (memv | in_valid)) begin rp <= rp1; rp1 <= rp1 + 1'b1; end
    memv <= in_valid ? (memv | ~q1take) : (memv & (~q1take | rp1 != wp));
    if (q1take) begin q1 <= memv ? mem[rp] : in; q1v <= memv | (in_valid & ~(take & ~q1v)); end
    if (rst) begin wp<=0; rp<=0; rp1<=1; memv<=0; q1v<=0; end
  end
`else
  // every entry is written, taken from the bypass or not: the write enable does not depend on `take`
  reg [LG-1:0] wp, rp, rp1; reg memv; reg [W-1:0] mem [0:(1<<LG)-1];
  assign head_from_valid = memv | in_valid;
  assign head_from = memv ? mem[rp] : in;
  reg one; // rp + 1 == wp
  always @(posedge clk) begin
    if (in_valid) mem[wp] <= in;
    if (in_valid) wp <= wp + 1'b1;
    if (take & (memv | in_valid)) begin rp <= rp1; rp1 <= rp1 + 1'b1; end
    memv <= in_valid ? (memv | ~take) : (memv & (~take | rp1 != wp));
    if (rst) begin wp<=0; rp<=0; rp1<=1; memv<=0; end
  end
`endif
endmodule
