// The ECP5 block RAM as far as the RAM wrappers use it, for simulation: port A writes, port B reads.
//
// Written from Lattice's public descriptions (FPGA-TN-02204, ECP5 and ECP5-5G Memory Usage Guide). Modelled:
// equal widths of 1, 2, 4, 9, 18 and 36 bits (36: a word lies on the data lines of both ports, the lower half
// on A's), byte enables held high, the output register, clock enables. Not modelled: resets, chip selects,
// writes at B, reads at A, falling edges, first contents. Parameters and inputs that ask for any of these make
// every output unknown. So does a write of the word that is read: what a block then shows is undefined.
//
// Synthesis tools have their own DP16KD and see nothing here.

`ifndef SYNTHESIS
module DP16KD #(
  parameter DATA_WIDTH_A        = 18,
  parameter DATA_WIDTH_B        = 18,
  parameter REGMODE_A           = "NOREG",
  parameter REGMODE_B           = "NOREG",
  parameter RESETMODE           = "SYNC",
  parameter ASYNC_RESET_RELEASE = "SYNC",
  parameter CSDECODE_A          = "0b000",
  parameter CSDECODE_B          = "0b000",
  parameter CLKAMUX             = "CLKA",
  parameter CLKBMUX             = "CLKB",
  parameter WRITEMODE_A         = "NORMAL",
  parameter WRITEMODE_B         = "NORMAL",
  parameter GSR                 = "ENABLED"
) (
  input  wire CLKA, CEA, OCEA, WEA, RSTA, CSA0, CSA1, CSA2,
  input  wire ADA0, ADA1, ADA2, ADA3, ADA4, ADA5, ADA6, ADA7, ADA8,
  input  wire ADA9, ADA10, ADA11, ADA12, ADA13,
  input  wire DIA0, DIA1, DIA2, DIA3, DIA4, DIA5, DIA6, DIA7, DIA8,
  input  wire DIA9, DIA10, DIA11, DIA12, DIA13, DIA14, DIA15, DIA16, DIA17,
  input  wire DIB0, DIB1, DIB2, DIB3, DIB4, DIB5, DIB6, DIB7, DIB8,
  input  wire DIB9, DIB10, DIB11, DIB12, DIB13, DIB14, DIB15, DIB16, DIB17,
  input  wire CLKB, CEB, OCEB, WEB, RSTB, CSB0, CSB1, CSB2,
  input  wire ADB0, ADB1, ADB2, ADB3, ADB4, ADB5, ADB6, ADB7, ADB8,
  input  wire ADB9, ADB10, ADB11, ADB12, ADB13,
  output wire DOA0, DOA1, DOA2, DOA3, DOA4, DOA5, DOA6, DOA7, DOA8,
  output wire DOA9, DOA10, DOA11, DOA12, DOA13, DOA14, DOA15, DOA16, DOA17,
  output wire DOB0, DOB1, DOB2, DOB3, DOB4, DOB5, DOB6, DOB7, DOB8,
  output wire DOB9, DOB10, DOB11, DOB12, DOB13, DOB14, DOB15, DOB16, DOB17
);

  localparam WIDTH = DATA_WIDTH_A;
  // Address lines below a word; of the write port's, the byte enables must be high, else all are low.
  localparam BELOW = (WIDTH == 36) ? 5 : (WIDTH == 18) ? 4 : (WIDTH == 9) ? 3 : (WIDTH == 4) ? 2 :
                     (WIDTH == 2) ? 1 : 0;
  localparam [13:0] LOW_LINES = (14'd1 << BELOW) - 14'd1;
  localparam [13:0] BYTES     = (WIDTH == 36) ? 14'd15 : (WIDTH == 18) ? 14'd3 : 14'd0;

  // At 36 bits the register of each port holds half a word, so both must be in use, or none.
  localparam IS_MODELLED =
    (WIDTH == 1 || WIDTH == 2 || WIDTH == 4 || WIDTH == 9 || WIDTH == 18 || WIDTH == 36) &&
    DATA_WIDTH_B == WIDTH && (REGMODE_B == "OUTREG" || REGMODE_B == "NOREG") && REGMODE_A == REGMODE_B &&
    RESETMODE == "SYNC" && ASYNC_RESET_RELEASE == "SYNC" && CSDECODE_A == "0b000" && CSDECODE_B == "0b000" &&
    CLKAMUX == "CLKA" && CLKBMUX == "CLKB" && WRITEMODE_A == "NORMAL" && WRITEMODE_B == "NORMAL" &&
    GSR == "DISABLED";

  wire [13:0] write_lines = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5,
                             ADA4, ADA3, ADA2, ADA1, ADA0};
  wire [13:0] read_lines  = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5,
                             ADB4, ADB3, ADB2, ADB1, ADB0};
  wire [35:0] written     = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9,
                             DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0,
                             DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9,
                             DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0};

  wire is_reset     = RSTA || RSTB;
  wire is_elsewhere = CSA0 || CSA1 || CSA2 || CSB0 || CSB1 || CSB2;
  wire is_other_use = WEB || (CEA && !WEA) || !OCEA || !OCEB;
  wire is_partial   = (write_lines & LOW_LINES) != BYTES || (read_lines & LOW_LINES) != 14'd0;
  wire is_known     = IS_MODELLED && !is_reset && !is_elsewhere && !is_other_use && !is_partial;
  wire collides     = CEA && CEB && write_lines[13:BELOW] == read_lines[13:BELOW];

  reg  [WIDTH-1:0] memory [0:(1<<(14-BELOW))-1];
  reg  [WIDTH-1:0] word;
  wire [WIDTH-1:0] shown;

  always @(posedge CLKA)
    if (CEA) memory[write_lines[13:BELOW]] <= written[WIDTH-1:0];

  always @(posedge CLKB)
    if (CEB) word <= collides ? {WIDTH{1'bx}} : memory[read_lines[13:BELOW]];

  generate
    if (REGMODE_B == "OUTREG") begin : registered
      reg [WIDTH-1:0] held;
      always @(posedge CLKB) held <= word;
      assign shown = held;
    end else begin : direct
      assign shown = word;
    end
  endgenerate

  wire [36:0] lines = {{(37 - WIDTH){1'b0}}, shown};
  wire [17:0] lower = is_known ? lines[17:0] : 18'bx;
  wire [17:0] upper = is_known ? lines[35:18] : 18'bx;
  // Below 36 bits the word shows at B alone.
  assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9,
          DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0} = (WIDTH == 36) ? lower : 18'd0;
  assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9,
          DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0} = (WIDTH == 36) ? upper : lower;
  wire unused_ok = &{1'b0, written, lines, upper};

endmodule
`endif
