// The RAM wrappers of the generated Verilog over DP16KD blocks with their output register. Every memory of the
// mapping unit but the queues' and the small table memory has OUTPUT_REGISTER = 1.
module ram_block_one_read #(parameter WIDTH = 8, parameter ADDRESS_WIDTH = 8, parameter OUTPUT_REGISTER = 1) (
  input wire clk, input wire write_enable, input wire [ADDRESS_WIDTH-1:0] write_address,
  input wire [WIDTH-1:0] write_data, input wire read_enable, input wire [ADDRESS_WIDTH-1:0] read_address,
  output wire [WIDTH-1:0] read_data);
  ram_ecp5 #(.WIDTH(WIDTH), .ADDRESS_BITS(ADDRESS_WIDTH)) blocks (
    .clk(clk), .write_enable(write_enable), .write_address(write_address), .write_data(write_data),
    .read_enable(read_enable), .read_address(read_address), .output_enable(1'b1), .read_data(read_data));
endmodule

module ram_one_read #(parameter WIDTH = 8, parameter ADDRESS_WIDTH = 8, parameter OUTPUT_REGISTER = 1) (
  input wire clk, input wire write_enable, input wire [ADDRESS_WIDTH-1:0] write_address,
  input wire [WIDTH-1:0] write_data, input wire read_enable, input wire [ADDRESS_WIDTH-1:0] read_address,
  output wire [WIDTH-1:0] read_data);
  ram_ecp5 #(.WIDTH(WIDTH), .ADDRESS_BITS(ADDRESS_WIDTH)) blocks (
    .clk(clk), .write_enable(write_enable), .write_address(write_address), .write_data(write_data),
    .read_enable(read_enable), .read_address(read_address), .output_enable(1'b1), .read_data(read_data));
endmodule
