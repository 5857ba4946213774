// Simple dual-port block RAM for Lattice ECP5 (DP16KD): port A writes, port B reads, two levels: the read
// itself and the block RAM's own output register, which yosys never infers.
// COPIES: number of copies of address and write enable, given one after the other (copy 0 in the lowest bits).
// Reading an address in the cycle in which it is written is undefined.
module ram_ecp5 #(
  parameter WIDTH = 8,
  parameter ADDRESS_BITS = 12,   // 1 to 14
  parameter COPIES = 1
) (
  input  wire clk,
  input  wire [COPIES-1:0] write_enable,
  input  wire [COPIES*ADDRESS_BITS-1:0] write_address,
  input  wire [WIDTH-1:0] write_data,
  input  wire read_enable,
  input  wire [COPIES*ADDRESS_BITS-1:0] read_address,
  input  wire output_enable,
  output wire [WIDTH-1:0] read_data
);
  // Data bits per block at this depth, and the number of address bits below the word.
  localparam DATA_BITS = (ADDRESS_BITS <= 10) ? 18 : (ADDRESS_BITS == 11) ? 9 : (ADDRESS_BITS == 12) ? 4
                       : (ADDRESS_BITS == 13) ? 2 : 1;
  localparam SHIFT = (ADDRESS_BITS <= 10) ? 4 : 14 - ADDRESS_BITS;
  localparam BLOCKS = (WIDTH + DATA_BITS - 1) / DATA_BITS;
  // In 18-bit mode the two lowest address bits of the write port are byte enables.
  localparam [13:0] BYTE_ENABLES = (DATA_BITS == 18) ? 14'd3 : 14'd0;

  wire [BLOCKS*DATA_BITS-1:0] all_write;
  assign all_write[WIDTH-1:0] = write_data;
  wire [BLOCKS*DATA_BITS-1:0] all_read;
  assign read_data = all_read[WIDTH-1:0];

  genvar i;
  generate
    if (BLOCKS * DATA_BITS > WIDTH) begin : padding
      assign all_write[BLOCKS*DATA_BITS-1:WIDTH] = {(BLOCKS*DATA_BITS-WIDTH){1'b0}};
    end
    for (i = 0; i < BLOCKS; i = i + 1) begin : block
      localparam COPY = (i * COPIES) / BLOCKS;
      wire [13:0] a;
      wire [13:0] b;
      wire [17:0] d;
      assign a[SHIFT +: ADDRESS_BITS] = write_address[COPY*ADDRESS_BITS +: ADDRESS_BITS];
      assign b[SHIFT +: ADDRESS_BITS] = read_address[COPY*ADDRESS_BITS +: ADDRESS_BITS];
      assign d[DATA_BITS-1:0] = all_write[i*DATA_BITS +: DATA_BITS];
      if (SHIFT > 0) begin : below
        assign a[SHIFT-1:0] = BYTE_ENABLES[SHIFT-1:0];
        assign b[SHIFT-1:0] = {SHIFT{1'b0}};
      end
      if (SHIFT + ADDRESS_BITS < 14) begin : above
        assign a[13:SHIFT+ADDRESS_BITS] = {(14-SHIFT-ADDRESS_BITS){1'b0}};
        assign b[13:SHIFT+ADDRESS_BITS] = {(14-SHIFT-ADDRESS_BITS){1'b0}};
      end
      if (DATA_BITS < 18) begin : spare
        assign d[17:DATA_BITS] = {(18-DATA_BITS){1'b0}};
      end
      wire [17:0] q;
      assign all_read[i*DATA_BITS +: DATA_BITS] = q[DATA_BITS-1:0];
      DP16KD #(
        .DATA_WIDTH_A(DATA_BITS), .DATA_WIDTH_B(DATA_BITS), .REGMODE_A("NOREG"), .REGMODE_B("OUTREG"),
        .RESETMODE("SYNC"), .ASYNC_RESET_RELEASE("SYNC"), .CSDECODE_A("0b000"), .CSDECODE_B("0b000"),
        .CLKAMUX("CLKA"), .CLKBMUX("CLKB"), .WRITEMODE_A("NORMAL"), .WRITEMODE_B("NORMAL"), .GSR("DISABLED")
      ) ram (
        .CLKA(clk), .CEA(1'b1), .OCEA(1'b1), .WEA(write_enable[COPY]), .RSTA(1'b0),
        .CSA0(1'b0), .CSA1(1'b0), .CSA2(1'b0),
        .ADA0(a[0]), .ADA1(a[1]), .ADA2(a[2]), .ADA3(a[3]), .ADA4(a[4]), .ADA5(a[5]), .ADA6(a[6]),
        .ADA7(a[7]), .ADA8(a[8]), .ADA9(a[9]), .ADA10(a[10]), .ADA11(a[11]), .ADA12(a[12]), .ADA13(a[13]),
        .DIA0(d[0]), .DIA1(d[1]), .DIA2(d[2]), .DIA3(d[3]), .DIA4(d[4]), .DIA5(d[5]), .DIA6(d[6]), .DIA7(d[7]),
        .DIA8(d[8]), .DIA9(d[9]), .DIA10(d[10]), .DIA11(d[11]), .DIA12(d[12]), .DIA13(d[13]), .DIA14(d[14]),
        .DIA15(d[15]), .DIA16(d[16]), .DIA17(d[17]),
        .CLKB(clk), .CEB(read_enable), .OCEB(output_enable), .WEB(1'b0), .RSTB(1'b0),
        .CSB0(1'b0), .CSB1(1'b0), .CSB2(1'b0),
        .ADB0(b[0]), .ADB1(b[1]), .ADB2(b[2]), .ADB3(b[3]), .ADB4(b[4]), .ADB5(b[5]), .ADB6(b[6]),
        .ADB7(b[7]), .ADB8(b[8]), .ADB9(b[9]), .ADB10(b[10]), .ADB11(b[11]), .ADB12(b[12]), .ADB13(b[13]),
        .DOB0(q[0]), .DOB1(q[1]), .DOB2(q[2]), .DOB3(q[3]), .DOB4(q[4]), .DOB5(q[5]), .DOB6(q[6]), .DOB7(q[7]),
        .DOB8(q[8]), .DOB9(q[9]), .DOB10(q[10]), .DOB11(q[11]), .DOB12(q[12]), .DOB13(q[13]), .DOB14(q[14]),
        .DOB15(q[15]), .DOB16(q[16]), .DOB17(q[17])
      );
    end
  endgenerate
endmodule
