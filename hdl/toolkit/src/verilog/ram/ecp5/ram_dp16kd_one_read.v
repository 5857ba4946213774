// A memory of 2**ADDRESS_WIDTH words with one write port and one read port, in DP16KD block RAM.
//
// Depth decides how wide a block is used: 512 x 36, 1024 x 18, 2048 x 9, 4096 x 4, 8192 x 2, 16384 x 1. Blocks
// stand side by side until they hold a word. Deeper memories have several such banks; which bank shows is
// stored beside the read, so that only a choice stands behind the blocks. With OUTPUT_REGISTER = 1 the blocks'
// own output registers are used. At 36 bits both ports' data lines carry one word, the lower half on A's, and
// WEA stays high while CEA enables the write.
//
// What a read shows in the cycle in which its address is written is undefined.

module ram_dp16kd_one_read #(
  parameter WIDTH           = 8,
  parameter ADDRESS_WIDTH   = 8,
  parameter OUTPUT_REGISTER = 0
) (
  input  wire                     clk,
  input  wire                     write_enable,
  input  wire [ADDRESS_WIDTH-1:0] write_address,
  input  wire [WIDTH-1:0]         write_data,
  input  wire                     read_enable,
  input  wire [ADDRESS_WIDTH-1:0] read_address,
  output wire [WIDTH-1:0]         read_data
);

  // Address bits that choose a word of a block, and those below them that the word covers.
  localparam WITHIN = (ADDRESS_WIDTH < 14) ? ADDRESS_WIDTH : 14;
  localparam BELOW  = (ADDRESS_WIDTH <= 9) ? 5 : 14 - WITHIN;
  // Bits of a block's word, blocks of a row, bits of a row, rows.
  localparam BLOCK   = (BELOW == 5) ? 36 : (BELOW == 4) ? 18 : (BELOW == 3) ? 9 : 1 << BELOW;
  localparam COLUMNS = (WIDTH + BLOCK - 1) / BLOCK;
  localparam ROW     = COLUMNS * BLOCK;
  localparam BANKS   = 1 << (ADDRESS_WIDTH - WITHIN);
  // The lowest address lines of the write port are byte enables where a word has several bytes.
  localparam [13:0] BYTES = (BLOCK == 36) ? 14'd15 : (BLOCK == 18) ? 14'd3 : 14'd0;

  wire [19:0]          write_lines = {{(15 - WITHIN){1'b0}}, write_address[WITHIN-1:0], 5'd0};
  wire [19:0]          read_lines  = {{(15 - WITHIN){1'b0}}, read_address[WITHIN-1:0], 5'd0};
  wire [13:0]          write_place = write_lines[5-BELOW +: 14] | BYTES;
  wire [13:0]          read_place  = read_lines[5-BELOW +: 14];
  wire [WIDTH+35:0]    padded      = {36'd0, write_data};
  wire [BANKS*ROW-1:0] words;
  wire                 unused_ok   = &{1'b0, write_lines, read_lines, padded, words};

  genvar bank;
  genvar column;
  genvar place;
  generate
    for (bank = 0; bank < BANKS; bank = bank + 1) begin : banks
      wire writes;
      if (BANKS == 1) begin : single
        assign writes = write_enable;
      end else begin : one_of_several
        assign writes = write_enable && (write_address[ADDRESS_WIDTH-1:WITHIN] == bank);
      end
      for (column = 0; column < COLUMNS; column = column + 1) begin : columns
        wire [36:0] stored = {{(37 - BLOCK){1'b0}}, padded[column*BLOCK +: BLOCK]};
        wire [17:0] port_a;
        wire [17:0] port_b;
        wire [35:0] shown = (BLOCK == 36) ? {port_b, port_a} : {18'd0, port_b};
        wire unused_column_ok = &{1'b0, stored, port_a, shown};
        assign words[bank*ROW+column*BLOCK +: BLOCK] = shown[BLOCK-1:0];
        DP16KD #(
          .DATA_WIDTH_A       (BLOCK),
          .DATA_WIDTH_B       (BLOCK),
          .REGMODE_A          ((OUTPUT_REGISTER != 0) ? "OUTREG" : "NOREG"),
          .REGMODE_B          ((OUTPUT_REGISTER != 0) ? "OUTREG" : "NOREG"),
          .RESETMODE          ("SYNC"),
          .ASYNC_RESET_RELEASE("SYNC"),
          .CSDECODE_A         ("0b000"),
          .CSDECODE_B         ("0b000"),
          .CLKAMUX            ("CLKA"),
          .CLKBMUX            ("CLKB"),
          .WRITEMODE_A        ("NORMAL"),
          .WRITEMODE_B        ("NORMAL"),
          .GSR                ("DISABLED")
        ) block (
          .CLKA(clk), .CEA(writes), .OCEA(1'b1), .WEA(1'b1), .RSTA(1'b0),
          .CSA0(1'b0), .CSA1(1'b0), .CSA2(1'b0),
          .ADA0(write_place[0]), .ADA1(write_place[1]), .ADA2(write_place[2]), .ADA3(write_place[3]),
          .ADA4(write_place[4]), .ADA5(write_place[5]), .ADA6(write_place[6]), .ADA7(write_place[7]),
          .ADA8(write_place[8]), .ADA9(write_place[9]), .ADA10(write_place[10]), .ADA11(write_place[11]),
          .ADA12(write_place[12]), .ADA13(write_place[13]),
          .DIA0(stored[0]), .DIA1(stored[1]), .DIA2(stored[2]), .DIA3(stored[3]), .DIA4(stored[4]),
          .DIA5(stored[5]), .DIA6(stored[6]), .DIA7(stored[7]), .DIA8(stored[8]), .DIA9(stored[9]),
          .DIA10(stored[10]), .DIA11(stored[11]), .DIA12(stored[12]), .DIA13(stored[13]),
          .DIA14(stored[14]), .DIA15(stored[15]), .DIA16(stored[16]), .DIA17(stored[17]),
          .DIB0(stored[18]), .DIB1(stored[19]), .DIB2(stored[20]), .DIB3(stored[21]), .DIB4(stored[22]),
          .DIB5(stored[23]), .DIB6(stored[24]), .DIB7(stored[25]), .DIB8(stored[26]), .DIB9(stored[27]),
          .DIB10(stored[28]), .DIB11(stored[29]), .DIB12(stored[30]), .DIB13(stored[31]),
          .DIB14(stored[32]), .DIB15(stored[33]), .DIB16(stored[34]), .DIB17(stored[35]),
          .CLKB(clk), .CEB(read_enable), .OCEB(1'b1), .WEB(1'b0), .RSTB(1'b0),
          .CSB0(1'b0), .CSB1(1'b0), .CSB2(1'b0),
          .ADB0(read_place[0]), .ADB1(read_place[1]), .ADB2(read_place[2]), .ADB3(read_place[3]),
          .ADB4(read_place[4]), .ADB5(read_place[5]), .ADB6(read_place[6]), .ADB7(read_place[7]),
          .ADB8(read_place[8]), .ADB9(read_place[9]), .ADB10(read_place[10]), .ADB11(read_place[11]),
          .ADB12(read_place[12]), .ADB13(read_place[13]),
          .DOA0(port_a[0]), .DOA1(port_a[1]), .DOA2(port_a[2]), .DOA3(port_a[3]), .DOA4(port_a[4]),
          .DOA5(port_a[5]), .DOA6(port_a[6]), .DOA7(port_a[7]), .DOA8(port_a[8]), .DOA9(port_a[9]),
          .DOA10(port_a[10]), .DOA11(port_a[11]), .DOA12(port_a[12]), .DOA13(port_a[13]),
          .DOA14(port_a[14]), .DOA15(port_a[15]), .DOA16(port_a[16]), .DOA17(port_a[17]),
          .DOB0(port_b[0]), .DOB1(port_b[1]), .DOB2(port_b[2]), .DOB3(port_b[3]), .DOB4(port_b[4]),
          .DOB5(port_b[5]), .DOB6(port_b[6]), .DOB7(port_b[7]), .DOB8(port_b[8]), .DOB9(port_b[9]),
          .DOB10(port_b[10]), .DOB11(port_b[11]), .DOB12(port_b[12]), .DOB13(port_b[13]),
          .DOB14(port_b[14]), .DOB15(port_b[15]), .DOB16(port_b[16]), .DOB17(port_b[17])
        );
      end
    end

    if (BANKS == 1) begin : one_bank
      assign read_data = words[WIDTH-1:0];
    end else begin : several_banks
      reg  [ADDRESS_WIDTH-WITHIN-1:0] bank_read;
      wire [ADDRESS_WIDTH-WITHIN-1:0] bank_shown;
      always @(posedge clk)
        if (read_enable) bank_read <= read_address[ADDRESS_WIDTH-1:WITHIN];
      if (OUTPUT_REGISTER != 0) begin : with_output_register
        reg [ADDRESS_WIDTH-WITHIN-1:0] bank_output;
        always @(posedge clk) bank_output <= bank_read;
        assign bank_shown = bank_output;
      end else begin : without_output_register
        assign bank_shown = bank_read;
      end
      for (place = 0; place < WIDTH; place = place + 1) begin : places
        wire [BANKS-1:0] choice;
        for (bank = 0; bank < BANKS; bank = bank + 1) begin : choices
          assign choice[bank] = words[bank*ROW+place];
        end
        assign read_data[place] = choice[bank_shown];
      end
    end
  endgenerate

endmodule
