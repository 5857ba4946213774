// A memory of 2**ADDRESS_WIDTH words with one write port and one read port, in block RAM of Lattice ECP5.
//
// A word shows one clock edge after its address, or two with OUTPUT_REGISTER = 1. A read of the very address
// that is written in the same cycle shows garbage: designs bypass such reads and never look at it. The garbage
// (an LFSR that steps at each collision, repeated over the word) is the same in every simulator.

`ifndef SYNTHESIS
`ifndef STAGECOACH_NOISE_SEED
`define STAGECOACH_NOISE_SEED 32'h5eedc0de
`endif
`endif

module ram_block_one_read #(
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

  wire [WIDTH-1:0] stored;

  ram_dp16kd_one_read #(
    .WIDTH          (WIDTH),
    .ADDRESS_WIDTH  (ADDRESS_WIDTH),
    .OUTPUT_REGISTER(OUTPUT_REGISTER)
  ) blocks (
    .clk          (clk),
    .write_enable (write_enable),
    .write_address(write_address),
    .write_data   (write_data),
    .read_enable  (read_enable),
    .read_address (read_address),
    .read_data    (stored)
  );

`ifdef SYNTHESIS
  assign read_data = stored;
`else
  // What a colliding read shows stands beside the blocks, for as long as they would show it.
  reg  [31:0]                noise;
  reg                        collided;
  reg  [WIDTH-1:0]           garbage;
  wire                       shows_garbage;
  wire [WIDTH-1:0]           shown_garbage;
  wire                       collision = write_enable && read_enable && (write_address == read_address);
  wire [(WIDTH/32+1)*32-1:0] noises    = {(WIDTH / 32 + 1){noise}};
  wire                       unused_ok = &{1'b0, noises};
  initial noise = (`STAGECOACH_NOISE_SEED == 32'd0) ? 32'd1 : `STAGECOACH_NOISE_SEED;

  always @(posedge clk) begin
    if (read_enable) collided <= collision;
    if (collision) begin
      garbage <= noises[WIDTH-1:0];
      noise   <= {1'b0, noise[31:1]} ^ (noise[0] ? 32'h80200003 : 32'd0);
    end
  end

  generate
    if (OUTPUT_REGISTER != 0) begin : with_output_register
      reg             output_collided;
      reg [WIDTH-1:0] output_garbage;
      always @(posedge clk) begin
        output_collided <= collided;
        output_garbage  <= garbage;
      end
      assign shows_garbage = output_collided;
      assign shown_garbage = output_garbage;
    end else begin : without_output_register
      assign shows_garbage = collided;
      assign shown_garbage = garbage;
    end
  endgenerate

  assign read_data = shows_garbage ? shown_garbage : stored;
`endif

endmodule
